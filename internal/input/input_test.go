package input_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lastcall/internal/input"
)

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if text, err := input.Read(context.Background(), path, 4); err != nil || string(text) != "text" {
			t.Errorf("%q, %v", text, err)
		}
	}
	_, err := input.Read(context.Background(), path, 3)
	if large, ok := errors.AsType[*input.Large](err); !ok || large.Path != path || large.Most != 3 {
		t.Errorf("more than it may have: %v", err)
	}
}

// TestAPipeIsReadOnce: what was read of it is gone, and is wanted again.
func TestAPipeIsReadOnce(t *testing.T) {
	path := fifo(t)
	wrote := make(chan error, 1) // buffered: the test may be over
	go func() {
		time.Sleep(3 * time.Millisecond) // long enough that the reader is there first, most times
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			_, err = file.WriteString("first ")
			time.Sleep(150 * time.Millisecond) // longer than it takes the reader to look again
			_, err2 := file.WriteString("second")
			err = errors.Join(err, err2, file.Close())
		}
		wrote <- err
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for range 2 {
		if text, err := input.Read(ctx, path, 100); err != nil || string(text) != "first second" {
			t.Errorf("%q, %v", text, err)
		}
	}
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	if _, err := input.Read(ctx, path, 3); err == nil || !strings.Contains(err.Error(), "is larger than") {
		t.Errorf("more than it may have: %v", err)
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	because := errors.New("enough")
	time.AfterFunc(50*time.Millisecond, func() { cancel(because) })
	began := time.Now()
	if _, err := input.Read(ctx, fifo(t), 100); !errors.Is(err, because) || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func TestADeviceIsNotReadWithoutEnd(t *testing.T) {
	if _, err := input.Read(context.Background(), "/dev/zero", 1<<20); err == nil || err.Error() != "/dev/zero is larger than 1 MiB" {
		t.Errorf("error %v", err)
	}
	if text, err := input.Read(context.Background(), os.DevNull, 10); err != nil || len(text) != 0 {
		t.Errorf("%q, %v", text, err)
	}
}

func TestErrorsAreTheSystems(t *testing.T) {
	dir := t.TempDir()
	if _, err := input.Read(context.Background(), filepath.Join(dir, "none"), 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
	if _, err := input.Read(context.Background(), dir, 1); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("a directory: %v", err)
	}
}

func TestOpenTakesRegularFilesOnly(t *testing.T) {
	for name, path := range map[string]string{"a pipe": fifo(t), "a device": "/dev/zero", "a directory": t.TempDir()} {
		if _, err := input.Open(path); !errors.Is(err, input.ErrIrregular) {
			t.Errorf("%s: %v", name, err)
		}
	}
	path := filepath.Join(t.TempDir(), "file")
	if _, err := input.Open(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := input.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
}
