//go:build !linux

package cli

import (
	"errors"
	"os"
)

// openUnnamed opens none: only Linux has files without a name that can get one.
func openUnnamed(string) *os.File { return nil }

func linkUnnamed(*os.File, string) error { return errors.ErrUnsupported }
