package demo

import (
	"fmt"
	"html"
	"os"
	"os/exec"
	"runtime"

	"lastcall/internal/bug"
)

// OpenBrowser shows the page where there is a screen. It says nothing of a failure,
// because the URL is printed too. What it returns removes what it left.
//
// The URL has the key in it, and whoever is on this machine can read the command
// lines of all (/proc/PID/cmdline, ps). So the browser gets the name of a file that
// only its user can read, and that leads to the URL.
func OpenBrowser(url string) (forget func()) {
	forget = func() {}
	program := "xdg-open"
	switch {
	case runtime.GOOS == "darwin":
		program = "open"
	case os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "":
		return forget
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return forget
	}
	file, err := redirectTo(url)
	if err != nil {
		return forget
	}
	cmd := exec.Command(path, file)
	if cmd.Start() == nil {
		go func() {
			defer bug.Catch()
			_ = cmd.Wait() // so that it leaves no zombie; what it says does not matter
		}()
	}
	return func() { _ = os.Remove(file) }
}

// redirectTo writes a page for us alone that leads to the URL.
func redirectTo(url string) (name string, err error) {
	file, err := os.CreateTemp("", "lastcall-demo-*.html") // mode 0600
	if err != nil {
		return "", err
	}
	defer file.Close()
	to := html.EscapeString(url)
	_, err = fmt.Fprintf(file, `<!doctype html>
<meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=%s">
<title>lastcall demo</title>
<p><a href="%s">lastcall demo</a></p>
`, to, to)
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return file.Name(), err
}
