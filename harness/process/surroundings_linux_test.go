package process

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// surroundings prints what a program finds, as name=value, in one line. No Go
// program may do it: its runtime changes a limit and handles signals.
const surroundings = `
line() { printf '%s=%s|' "$1" "$2"; }
line limits "$(tr '\n' ';' </proc/$$/limits)"
line umask "$(umask)"
line oom "$(cat /proc/$$/oom_score_adj)"
line nice "$(set -- $(cat /proc/$$/stat); echo "${19}")"
line directory "$(pwd -P)"
line groups "$(grep -E '^(Uid|Gid|Groups|NoNewPrivs|Seccomp|CapEff|CapBnd|Cpus_allowed_list):' /proc/$$/status | tr '\n' ';')"
line namespaces "$(readlink /proc/$$/ns/pid /proc/$$/ns/net /proc/$$/ns/mnt /proc/$$/ns/user | tr '\n' ';')"
line blocked "$(grep '^SigBlk' /proc/$$/status | cut -f 2)"
line ignored "$(grep '^SigIgn' /proc/$$/status | cut -f 2)"
line environment "$(tr '\0' '\n' </proc/$$/environ | grep -v -e '^_=' -e '^SHLVL=' -e '^LASTCALL_' | sort | tr '\n' ';')"
line mark "$(tr '\0' '\n' </proc/$$/environ | grep -c '^LASTCALL_RUN=.')"
cd /proc/$$/fd; set -- [3-9]*; cd "$OLDPWD" # a command substitution would have descriptors of its own
line descriptors "$*"
line stdin "$(readlink /proc/$$/fd/0)"
set -- $(cat /proc/$$/stat)
line group $([ "$5" = "$$" ] && echo own || echo shared)
line session $([ "$6" = "$$" ] && echo own || echo shared)
line terminal "$7"
line cgroup "$(tr '\n' ';' </proc/$$/cgroup)"
echo
`

// differs says by name what a program finds otherwise than under a bare shell. The
// docs/testing.md has the same list ("What differs from a bare shell").
var differs = map[string]string{
	"stdin":    "/dev/null",
	"group":    "own",
	"session":  "own",
	"terminal": "0",
	"mark":     "1",
	"ignored":  "only SIGHUP and SIGINT",
	"cgroup":   "own, where one can be made",
}

// TestSurroundings: a program finds the same under us as under a shell, but for
// what is told. Both start from limits, a mask and ignored signals that are not the
// usual ones.
func TestSurroundings(t *testing.T) {
	for _, program := range []string{"sh", "tr", "grep", "readlink", "cut"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s here", program)
		}
	}
	script := filepath.Join(t.TempDir(), "surroundings.sh")
	if err := os.WriteFile(script, []byte(surroundings), 0o600); err != nil {
		t.Fatal(err)
	}
	bare, ours := around(t, "sh "+script), around(t, envRole+"=surroundings:"+script+" exec "+os.Args[0])
	for name := range bare {
		t.Logf("%s: %q under a shell, %q under us", name, bare[name], ours[name])
		if told := differs[name]; told == "" && bare[name] != ours[name] {
			t.Errorf("%s is %q under a shell and %q under us", name, bare[name], ours[name])
		}
	}
	for _, name := range []string{"stdin", "group", "session", "terminal"} {
		if ours[name] != differs[name] {
			t.Errorf("%s is %q, want %q", name, ours[name], differs[name])
		}
	}
	if bare["ignored"] != "0000000000005003" || ours["ignored"] != "0000000000000003" {
		t.Errorf("the shell ignores %s and we %s, want SIGHUP and SIGINT, and under the shell SIGPIPE and SIGTERM", bare["ignored"], ours["ignored"])
	}
	if bare["environment"] != ours["environment"] || ours["mark"] != "1" {
		t.Errorf("the environment is %q under a shell and %q under us, with %s marks", bare["environment"], ours["environment"], ours["mark"])
	}
	if limits := bare["limits"]; !strings.Contains(limits, "Max open files            100 ") {
		t.Errorf("the limit of open files did not take: %q", limits)
	}
	if !maps.EqualFunc(bare, ours, func(string, string) bool { return true }) {
		t.Errorf("under a shell %d things were found, under us %d", len(bare), len(ours))
	}
}

// around runs a command under a shell that has set up something of everything.
func around(t *testing.T, command string) map[string]string {
	t.Helper()
	cmd := exec.Command("sh", "-c", "trap '' HUP INT PIPE TERM; umask 027; ulimit -S -n 100; ulimit -c 0; echo 7 >/proc/$$/oom_score_adj; "+command)
	cmd.Env = append(os.Environ(), envMark+"=") // an outer mark would not be the same
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for entry := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(string(out)), "|"), "|") {
		name, value, is := strings.Cut(entry, "=")
		if !is {
			t.Fatalf("%q is no name=value: %q", entry, out)
		}
		found[name] = value
	}
	return found
}

// playSurroundings is lastcall with the script as its command.
func playSurroundings(script string) {
	p, err := Start(Command{Path: "sh", Args: []string{script}, Supervisor: ourSupervisor()})
	must(err)
	line, err := p.FirstLine(context.Background())
	must(err)
	p.Close()
	fmt.Println(line)
}
