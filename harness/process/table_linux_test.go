package process

import (
	"os"
	"testing"
)

func TestParseStat(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       row
		ok         bool
	}{
		{"a process", "42 (cat) S 7 40 39 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 123456 0 0", row{42, 7, 40, 39, 123456, true, false}, true},
		{"a wicked name", "42 (a) R 1 (b)\n) S 7 40 39 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 9 0 0", row{42, 7, 40, 39, 9, true, false}, true},
		{"no name", "42 () R 7 40 39 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 9 0 0", row{42, 7, 40, 39, 9, true, false}, true},
		{"a zombie", "42 (cat) Z 7 40 39 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 9 0 0", row{42, 7, 40, 39, 9, false, false}, true},
		{"a dead one", "42 (cat) X 7 40 39 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 0 0 9 0 0", row{42, 7, 40, 39, 9, false, false}, true},
		{"one whose first thread has ended", "42 (java) Z 7 40 39 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 9 0 9 0 0", row{42, 7, 40, 39, 9, true, false}, true},
		{"a stopped one", "42 (cat) T 7 40 39 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 9 0 0", row{42, 7, 40, 39, 9, true, false}, true},
		{"a kernel thread", "42 (kworker/0:1) I 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0", row{42, 2, 0, 0, 9, true, true}, true},
		{"nothing", "", row{}, false},
		{"cut off", "42 (cat) S 7 40", row{}, false},
		{"no number", "42 (cat) S x 40 40 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 9 0 0", row{}, false},
		{"the wrong way round", ") 42 (", row{}, false},
	} {
		got, ok := parseStat([]byte(tt.text))
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%s: %+v, %t, want %+v, %t", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

// TestLook: we find ourselves.
func TestLook(t *testing.T) {
	r, ok := look(os.Getpid())
	if !ok || r.pid != os.Getpid() || r.ppid != os.Getppid() || !r.lives || r.start == 0 {
		t.Errorf("we are %+v, %t", r, ok)
	}
	rows, err := table()
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range rows {
		if other == r {
			return
		}
	}
	t.Errorf("the table of %d rows does not have us as %+v", len(rows), r)
}
