//go:build !linux

package process

import (
	"errors"
	"fmt"
)

// ReadDispositions gives an error that wraps errors.ErrUnsupported: this system
// does not show them.
func ReadDispositions(pid int) (Dispositions, error) {
	return Dispositions{}, fmt.Errorf("signal dispositions of process %d: %w", pid, errors.ErrUnsupported)
}
