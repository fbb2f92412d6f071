package truth

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// quota is a cgroup in which processes get so much of the CPU and no more, as those
// of a container with a limit.
type quota struct{ dir string }

// period is the kernel's default, in microseconds: what may be used in it.
const period = 100_000

// newQuota makes one for so many cores, which may be a fraction, with cgroups of
// version 2 or 1. It fails where no cgroup can be written.
func newQuota(cores float64) (*quota, error) {
	name := fmt.Sprintf("lastcall-truth-%d", os.Getpid())
	share := int(cores * period)
	var errs []error
	for _, v := range []struct{ root, file, text string }{
		{"/sys/fs/cgroup", "cpu.max", fmt.Sprintf("%d %d", share, period)},
		{"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", fmt.Sprint(share)},
		{"/sys/fs/cgroup/cpu,cpuacct", "cpu.cfs_quota_us", fmt.Sprint(share)},
	} {
		q := &quota{dir: filepath.Join(v.root, name)}
		err := os.Mkdir(q.dir, 0o755)
		if err == nil {
			if err = write(filepath.Join(q.dir, v.file), v.text); err == nil {
				return q, nil
			}
			err = errors.Join(err, q.end())
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("no cgroup with a CPU quota can be made: %w", errors.Join(errs...))
}

// write writes to a file that is there: in a cgroup no other can be made.
func write(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// within returns the command that runs args in the cgroup.
func (q *quota) within(args []string) []string {
	return append([]string{"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, q.dir}, args...)
}

// end removes the cgroup, which must be empty by then.
func (q *quota) end() error { return os.Remove(q.dir) }
