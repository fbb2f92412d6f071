package targets

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// mountTiny mounts a file system of half a megabyte until the test ends.
func mountTiny(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "size=512k")
	if errors.Is(err, unix.EPERM) {
		t.Skip("only root may mount: the limit on the file size shows the same")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Lazily: the server that has files open there is ended by an earlier clean-up.
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}
