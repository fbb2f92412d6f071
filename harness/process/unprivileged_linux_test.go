package process

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"lastcall/internal/testrun"
)

// nobody is a user without rights.
const nobody = 65534

// promises are the tests of what is promised of a tree. For nobody there is no
// cgroup, and so everything rests on the other signs.
const promises = "^(TestTree|TestKill.*|TestDaemon|TestClose.*|TestRelay|TestSupervise.*|TestWorld|TestLeader.*|TestDies.*|TestNobodyListens|" +
	"TestBrake.*|TestOrphansParent|TestForgetful|TestSIGKILLLeavesNoOrphans|TestSurroundings|TestReadDispositions)$"

// TestUnprivileged: whoever has no rights gets the same.
func TestUnprivileged(t *testing.T) {
	testrun.NotShort(t)
	if os.Geteuid() != 0 {
		t.Skip("all these tests run without rights here")
	}
	dir, err := os.MkdirTemp("", "lastcall-unprivileged-") // not t.TempDir, which is under a directory of ours only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "tests")
	if err := duplicate(program, os.Args[0]); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run", promises, "-test.v", "-test.timeout", "5m")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as user %d: %v\n%s", nobody, err, out)
	}
}

// duplicate copies a program.
func duplicate(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
