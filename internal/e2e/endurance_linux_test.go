package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// taken is what a process and its children take of the machine at an instant.
type taken struct {
	after                                 time.Duration
	memory                                int // of lastcall itself, in MB (VmRSS of proc(5), without the file mappings)
	descriptors, threads, children, ports int
}

func (t taken) String() string {
	return fmt.Sprintf("%7s  %4d MB  %3d descriptors  %2d threads  %2d children  %2d listening sockets",
		t.after.Round(time.Second), t.memory, t.descriptors, t.threads, t.children, t.ports)
}

// takenBy looks at a process through /proc.
func takenBy(pid int, began time.Time) taken {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	t := taken{after: time.Since(began)}
	status, _ := os.ReadFile(filepath.Join(proc, "status")) // of a process that has ended nothing is counted
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "RssAnon":
			t.memory = n >> 10
		case "Threads":
			t.threads = n
		}
	}
	descriptors, _ := os.ReadDir(filepath.Join(proc, "fd"))
	t.descriptors = len(descriptors)
	tasks, _ := filepath.Glob(filepath.Join(proc, "task", "*", "children")) // any thread may have started them
	for _, task := range tasks {
		children, _ := os.ReadFile(task)
		t.children += len(strings.Fields(string(children)))
	}
	for _, table := range []string{"tcp", "tcp6"} {
		sockets, _ := os.ReadFile(filepath.Join("/proc/net", table))
		t.ports += strings.Count(string(sockets), " 0A ") // listening, here or elsewhere on the machine
	}
	return t
}

// wantFlat asks that nothing has grown from the third point on: before that pools fill.
func wantFlat(t *testing.T, points []taken) {
	t.Helper()
	for _, p := range points {
		t.Log(p)
	}
	if len(points) < 10 {
		t.Fatalf("only %d points", len(points))
	}
	early, last := points[2], points[len(points)-1]
	if last.memory > early.memory+16 || last.descriptors > early.descriptors+20 || last.threads > early.threads+8 || last.children > early.children+4 || last.ports > early.ports+4 {
		t.Errorf("it has grown: %s, and %s at the end", early, last)
	}
}

// TestThousandShutdowns in one run: memory, descriptors, threads and processes stay flat.
func TestThousandShutdowns(t *testing.T) {
	onlyLong(t)
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), lastcall, "compare", "signal-notify", "--shutdowns", "1000", "--rate", "300", "--delay", "10ms", "--min-at-risk", "1", "--quiet")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state tells
		close(ended)   // by the only one that waits
	}()
	began, points := time.Now(), []taken(nil)
	for every := time.NewTicker(40 * time.Second); ; {
		select {
		case <-every.C:
			points = append(points, takenBy(cmd.Process.Pid, began))
			continue
		case <-ended:
		}
		break
	}
	if code := cmd.ProcessState.ExitCode(); code != exitPass {
		t.Errorf("exit code %d\n%s\n%s", code, &stdout, &stderr)
	}
	wantFlat(t, points)
}

// TestHourOfDemo presses the button three hundred times in an hour.
func TestHourOfDemo(t *testing.T) {
	onlyLong(t)
	cmd := exec.CommandContext(t.Context(), lastcall, "demo", "--addr", "127.0.0.1:0")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // what it says does not matter
	})
	page := demoPage(t, bufio.NewScanner(stdout))
	began, points, deployed := time.Now(), []taken(nil), 0
	for n := range 10 * 30 {
		due := began.Add(time.Duration(n+1) * 12 * time.Second)
		for pressed := false; !pressed && time.Now().Before(due); time.Sleep(200 * time.Millisecond) {
			pressed = press(t, page)
			if pressed {
				deployed++
			}
		}
		time.Sleep(time.Until(due))
		if (n+1)%30 == 0 {
			points = append(points, takenBy(cmd.Process.Pid, began))
		}
	}
	t.Logf("%d deployments", deployed)
	if deployed < 290 {
		t.Errorf("only %d deployments of 300", deployed)
	}
	wantFlat(t, points)
}

// demoPage is the URL that the demo prints, with the key in its fragment.
func demoPage(t *testing.T, lines *bufio.Scanner) *url.URL {
	t.Helper()
	for lines.Scan() {
		for _, word := range strings.Fields(lines.Text()) {
			if u, err := url.Parse(word); err == nil && strings.HasPrefix(u.Fragment, "key=") {
				return u
			}
		}
	}
	t.Fatalf("no URL was printed: %v", lines.Err())
	return nil
}

// press deploys, and reports whether the servers were ready for it.
func press(t *testing.T, page *url.URL) bool {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+page.Host+"/deploy", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Lastcall-Key", strings.TrimPrefix(page.Fragment, "key="))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusNoContent
}
