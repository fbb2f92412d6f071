//go:build !linux

package process

import "errors"

var errNoBrake = errors.New("only Linux shows whether a process is stopped")

// Brake is for Linux only.
func (p *Process) Brake() error { return errNoBrake }

// Release does nothing: nothing was stopped.
func (p *Process) Release() error { return nil }
