package process

import (
	"fmt"
	"strings"
	"testing"
)

const tcpHead = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

// TestParseListeners: as Linux 6.18 on amd64 shows them.
func TestParseListeners(t *testing.T) {
	const tail = " 00000000:00000000 00:00000000 00000000     0        0 %d 1 0000000000000000 100 0 0 10 0\n"
	line := func(local, state string, inode int) string {
		return "   0: " + local + " 00000000:0000 " + state + fmt.Sprintf(tail, inode)
	}
	v4 := tcpHead + line("0100007F:1F90", "0A", 11) + line("0200007F:0051", "03", 12) + line("00000000:0050", "0A", 13) +
		line("0100007F:1F90", "01", 14) + line("0100007F:1F91", "0A", 15) // what comes after a connection is not read
	v6 := tcpHead + line("00000000000000000000000000000000:0050", "0A", 21) + line("00000000000000000000000001000000:0051", "0A", 22) +
		line("0000000000000000FFFF00000100007F:0052", "0A", 23) + line("B80D01200000000067452301EFCDAB89:0053", "0A", 24)
	for text, want := range map[string]string{
		v4:      "127.0.0.1:8080/11 0.0.0.0:80/13",
		v6:      "[::]:80/21 [::1]:81/22 127.0.0.1:82/23 [2001:db8::123:4567:89ab:cdef]:83/24",
		tcpHead: "",
		"":      "",
	} {
		found, err := parseListeners(strings.NewReader(text))
		var got []string
		for _, l := range found {
			got = append(got, fmt.Sprintf("%s/%d", l.addr, l.id))
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s\nreads as %v, %v, want %s", text, got, err, want)
		}
	}
	for _, bad := range []string{"0100007F", "0100007F:", "0100007:1F90", "0100007F00:1F90", "xx00007F:1F90", ":1F90", "0100007F:1F900"} {
		if found, err := parseListeners(strings.NewReader(tcpHead + line(bad, "0A", 1))); err == nil {
			t.Errorf("%q reads as %v", bad, found)
		}
	}
	if found, err := parseListeners(strings.NewReader(tcpHead + "0: 0100007F:1F90 00000000:0000 0A\n")); err == nil {
		t.Errorf("a line that is cut off reads as %v", found)
	}
}
