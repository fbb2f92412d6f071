package truth

import (
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
)

// burners keep every core busy.
type burners struct {
	running []*exec.Cmd
	pipes   []io.Closer
}

// startBurners starts one for each core. Each ends when its standard input does,
// and so also when this process is killed.
func startBurners(bin string) (*burners, error) {
	b := &burners{}
	for range runtime.NumCPU() {
		cmd := exec.Command(filepath.Join(bin, "servers"), "burn")
		in, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			return nil, errors.Join(err, b.end())
		}
		b.running, b.pipes = append(b.running, cmd), append(b.pipes, in)
	}
	return b, nil
}

// end ends them, and returns when they have ended.
func (b *burners) end() error {
	var errs []error
	for i, cmd := range b.running {
		errs = append(errs, b.pipes[i].Close(), cmd.Wait())
	}
	return errors.Join(errs...)
}
