package e2e

import (
	"bytes"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"lastcall/internal/testrun"
)

// TestReadmeInYourCI copies what docs/ci.md shows into a
// repository of its own, and runs it as a CI system would: once with a server
// that stops well, and once with one that does not.
func TestReadmeInYourCI(t *testing.T) {
	onlySlow(t)
	needs(t, "bash")
	for _, c := range []struct {
		strategy string
		exit     int
		says     string
	}{
		{"signal-notify", exitPass, "the server passed"},
		{"naive", exitFail, "the server broke a required rule"},
	} {
		t.Run(c.strategy, func(t *testing.T) {
			repo := newRepo(t, c.strategy)
			t.Run("in a shell", func(t *testing.T) {
				out := repo.run(t, repo.script, c.exit)
				wantLine(t, out, c.says)
				repo.wantReports(t, c.exit)
			})
			t.Run("as a workflow", func(t *testing.T) {
				for _, step := range repo.workflow.steps() {
					if step.Run == "" {
						continue
					}
					want := exitPass
					if strings.Contains(step.Run, "lastcall test") {
						want = c.exit
					}
					out := repo.run(t, step.Run, want)
					if want == exitFail && !strings.Contains(out, "::error title=") {
						t.Errorf("no annotation in:\n%s", out)
					}
				}
				repo.wantReports(t, c.exit)
				summary, err := os.ReadFile(repo.summary)
				if err != nil || !bytes.Contains(summary, []byte("## lastcall")) {
					t.Errorf("job summary: %v\n%s", err, summary)
				}
			})
		})
	}
}

// TestReadmeBaseline: without a report of the main branch a server that fails is
// a failure, and with it a server that is no worse is none.
func TestReadmeBaseline(t *testing.T) {
	onlySlow(t)
	needs(t, "bash")
	repo := newRepo(t, "signal-notify")
	gate := func(wantExit int) string {
		var out string
		for _, step := range repo.baseline {
			switch {
			case strings.Contains(step.Run, "lastcall test"):
				out = repo.run(t, step.Run, wantExit)
			case step.Run != "" && wantExit == exitPass:
				repo.run(t, step.Run, exitPass)
			}
		}
		return out
	}
	if out := gate(exitPass); strings.Contains(out, "Against the baseline") {
		t.Errorf("there is no baseline yet:\n%s", out)
	}
	wantLine(t, gate(exitPass), "NO REGRESSION")
	writeServer(t, repo.dir, "naive")
	wantLine(t, gate(exitFail), "::error title=", "regression")
}

// repo is a repository with a server in it, and what docs/ci.md says.
type repo struct {
	dir, bin, summary string
	script            string
	workflow          workflow
	baseline          []step // that take the place of the gate's
}

// workflow is as much of a GitHub workflow as this test runs.
type workflow struct {
	Jobs map[string]struct {
		Steps []step `yaml:"steps"`
	} `yaml:"jobs"`
}

type step struct {
	Name string `yaml:"name"`
	Run  string `yaml:"run"`
	Uses string `yaml:"uses"`
}

func (w workflow) steps() []step {
	var all []step
	for _, job := range w.Jobs {
		all = append(all, job.Steps...)
	}
	return all
}

// newRepo makes the repository. Its server is the sample service with that
// strategy, behind the command line of that page's file.
func newRepo(t *testing.T, strategy string) *repo {
	t.Helper()
	r := &repo{dir: t.TempDir(), bin: t.TempDir()}
	r.summary = filepath.Join(t.TempDir(), "summary.md")
	for _, block := range fence.FindAllStringSubmatch(page(t, "docs/ci.md"), -1) {
		label, text := block[1], block[2]
		switch {
		case label == "sh ci":
			r.script = text
		case strings.HasPrefix(text, "# lastcall.yaml\n"):
			writeFile(t, r.dir, "lastcall.yaml", text)
		case strings.HasPrefix(text, "# .github/.../"):
			if err := yaml.Unmarshal([]byte(text), &r.baseline); err != nil {
				t.Fatal(err)
			}
		case strings.HasPrefix(text, "# .github/workflows/"):
			if err := yaml.Unmarshal([]byte(text), &r.workflow); err != nil {
				t.Fatal(err)
			}
		}
	}
	if r.script == "" || len(r.workflow.steps()) < 4 || len(r.baseline) < 4 {
		t.Fatalf("docs/ci.md has changed: script %q, %d and %d steps", r.script, len(r.workflow.steps()), len(r.baseline))
	}
	writeServer(t, r.dir, strategy)
	// What actions/checkout does with the path .lastcall.
	if err := os.Symlink(copyProject(t), filepath.Join(r.dir, ".lastcall")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(lastcall, filepath.Join(r.bin, "lastcall")); err != nil {
		t.Fatal(err)
	}
	return r
}

// writeServer writes a server that takes the command line of that page's.
func writeServer(t *testing.T, dir, strategy string) {
	t.Helper()
	writeFile(t, dir, "server", "#!/bin/sh\nexec "+lastcall+" serve "+strategy+" --request-log=false --addr \"127.0.0.1:$2\"\n")
	if err := os.Chmod(filepath.Join(dir, "server"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// run runs a script as a step does, in the repository. A gate that has no verdict is run
// again: that is a busy machine's.
func (r *repo) run(t *testing.T, script string, wantExit int) string {
	t.Helper()
	for try := 1; ; try++ {
		var stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", script)
		cmd.Dir, cmd.Stderr = r.dir, &stderr
		cmd.Env = append(os.Environ(), "PATH="+r.bin+":"+os.Getenv("PATH"), "GOBIN="+t.TempDir(), "GITHUB_STEP_SUMMARY="+r.summary)
		out, _ := cmd.Output() // the exit code tells
		code := cmd.ProcessState.ExitCode()
		if code == wantExit {
			return string(out)
		}
		if code != exitInconclusive || !testrun.Again(t, try) {
			t.Fatalf("%s\nexit code %d, want %d, in try %d\nstdout:\n%s\nstderr:\n%s", script, code, wantExit, try, out, &stderr)
		}
		t.Logf("%s\nexit code %d, want %d: once more\nstdout:\n%s", script, code, wantExit, out)
	}
}

// wantReports reads the reports as a CI system would, and removes them.
func (r *repo) wantReports(t *testing.T, exit int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "lastcall.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var junit struct {
		Suites []struct {
			Cases []struct {
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &junit); err != nil {
		t.Fatalf("the JUnit report: %v\n%s", err, text)
	}
	cases, failures, errors := 0, 0, 0
	for _, suite := range junit.Suites {
		for _, c := range suite.Cases {
			cases++
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errors++
			}
		}
	}
	if cases < 5 || errors > 0 || (failures > 0) != (exit == exitFail) {
		t.Errorf("%d cases, %d failures, %d errors; exit code %d\n%s", cases, failures, errors, exit, text)
	}
	for _, name := range []string{"lastcall.xml", "lastcall.json"} {
		if err := os.Remove(filepath.Join(r.dir, name)); err != nil {
			t.Error(err)
		}
	}
}
