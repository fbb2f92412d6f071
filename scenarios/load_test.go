package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/scenario"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadReadsFiles(t *testing.T) {
	s, err := Load(write(t, filepath.Join(t.TempDir(), "mine.yaml"), "load: {rate: 9}\n"))
	if err != nil || s.Load.Rate != 9 || s.Name != "mine" {
		t.Errorf("rate %d, name %q, error %v", s.Load.Rate, s.Name, err)
	}
}

// TestAFileMayLeaveTheGraceToThePolicy: what is right under some policy is read.
func TestAFileMayLeaveTheGraceToThePolicy(t *testing.T) {
	for name, text := range map[string]string{
		"a high rate": "load: {rate: 20000}\n", "slow answers": "subject: {delay: 1m}\nload: {rate: 1}\n",
		"a late signal": "disruption: {signal: 'TERM,1m,TERM'}\n", "a long lag": "disruption: {lag: 30s}\n",
	} {
		if _, err := Parse("mine.yaml", []byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Parse("mine.yaml", []byte("disruption: {lag: 30s, grace: 30s}\n")); err == nil || !strings.Contains(err.Error(), "1:19: disruption.lag is 30s, must be less than the grace period of 30s") {
		t.Errorf("a lag as long as the grace: %v", err)
	}
}

func TestLoadTellsAnUnknownNameFromAMissingFile(t *testing.T) {
	for name, want := range map[string]string{
		"stedy":  `unknown scenario "stedy": did you mean steady?`,
		"zzzzzz": `unknown scenario "zzzzzz": use one of ` + strings.Join(Names(), ", ") + ", or the path of a file",
	} {
		if _, err := Load(name); !errors.Is(err, ErrUnknown) || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"))
	if !errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrUnknown) {
		t.Errorf("a file: %v", err)
	}
}

// TestLoadReadsWhatIsThere: whatever it is called, and also through a pipe, whose paths
// are relative to where lastcall is started.
func TestLoadReadsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	const text = "subject: {command: [./server]}\n"
	write(t, filepath.Join(dir, "mine"), text)
	if err := os.Mkdir("sub", 0o700); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join("sub", "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	wrote := make(chan error, 1) // buffered: the test may be over
	go func() { wrote <- os.WriteFile(pipe, []byte(text), 0o600) }()
	for _, name := range []string{"mine", pipe, pipe} {
		s, err := Load(name)
		if want := filepath.Join(dir, "server"); err != nil || s.Subject.Command[0] != want {
			t.Errorf("%s: %q, %v, want %s", name, s.Subject.Command, err, want)
		}
	}
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	if _, err := Load("sub"); !errors.Is(err, ErrUnknown) {
		t.Errorf("a directory: %v", err)
	}
}

func TestLoadDoesNotReadWithoutEnd(t *testing.T) {
	for name, path := range map[string]string{
		"a device":     "/dev/zero",
		"a large file": write(t, filepath.Join(t.TempDir(), "large.yaml"), strings.Repeat("# no end\n", largest/8)),
	} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path+": has more than 256 KiB") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRelativePathsAreRelativeToTheFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "conf", "gate.yaml"), `
subject:
  command: [./server, --conf, ./server.conf]
  dir: ../run
  url: https://127.0.0.1:{port}
  ca: ca.pem
  ledger: log/{port}
  applied: [bin/ids, ./x]
load:
  requests:
    - {url: /a, body-file: bodies/a.json}
    - {url: /b, body: ./text}
disruption: {while: [bin/reload, ./x]}
reports: [json=out/result.json]
`)
	want := scenario.Scenario{
		Subject: scenario.Subject{
			Command: []string{filepath.Join(dir, "conf", "server"), "--conf", "./server.conf"},
			Dir:     filepath.Join(dir, "run"), CA: filepath.Join(dir, "conf", "ca.pem"),
			Ledger:  filepath.Join(dir, "conf", "log", "{port}"),
			Applied: []string{filepath.Join(dir, "conf", "bin", "ids"), "./x"},
		},
		Load: scenario.Load{Requests: []scenario.Target{
			{URL: "/a", BodyFile: filepath.Join(dir, "conf", "bodies", "a.json")},
			{URL: "/b", Body: "./text"},
		}},
		Disruption: scenario.Disruption{While: []string{filepath.Join(dir, "conf", "bin", "reload"), "./x"}},
		Reports:    []string{"json=out/result.json"},
	}
	t.Chdir(dir)
	for _, path := range []string{filepath.Join(dir, "conf", "gate.yaml"), "conf/gate.yaml", "./conf/../conf/gate.yaml"} {
		got, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, onlyPaths(got)); diff != "" {
			t.Errorf("%s: paths (-want +got):\n%s", path, diff)
		}
	}
}

func onlyPaths(s scenario.Scenario) scenario.Scenario {
	return scenario.Scenario{
		Subject: scenario.Subject{
			Command: s.Subject.Command, Dir: s.Subject.Dir, CA: s.Subject.CA, Ledger: s.Subject.Ledger, Applied: s.Subject.Applied,
		},
		Load:       scenario.Load{Requests: s.Load.Requests},
		Disruption: scenario.Disruption{While: s.Disruption.While},
		Reports:    s.Reports,
	}
}

func TestOtherPathsStayAsTheyAre(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "gate.yaml"), `
subject: {command: [node, ./server.js], dir: /srv}
disruption: {while: [/usr/bin/reload]}
`)
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want := scenario.Scenario{
		Subject:    scenario.Subject{Command: []string{"node", "./server.js"}, Dir: "/srv"},
		Disruption: scenario.Disruption{While: []string{"/usr/bin/reload"}},
	}
	if diff := cmp.Diff(want, onlyPaths(got)); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	bare, err := Load(write(t, filepath.Join(t.TempDir(), "bare.yaml"), "subject: {command: [node]}\n"))
	if err != nil || bare.Subject.Dir != "" || bare.Subject.CA != "" {
		t.Errorf("dir %q, ca %q, error %v: nothing was given", bare.Subject.Dir, bare.Subject.CA, err)
	}
}
