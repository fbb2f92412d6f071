package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lastcall/internal/spelling"
)

// hint says what would be right: the nearest name if one is near, else all.
func hint(wrong string, names []string) string { return spelling.Hint(wrong, names) }

// nearest returns the name that is at most a third of its letters away, or "".
func nearest(wrong string, names []string) string { return spelling.Nearest(wrong, names) }

// owners are the commands that have a flag of that name, test the first of them: most
// who ask have a server of their own.
func owners(cmd *cobra.Command, flag string) (all []string) {
	for _, c := range cmd.Root().Commands() {
		if flag != "" && c != cmd && c.IsAvailableCommand() && c.Flags().Lookup(flag) != nil {
			all = append(all, c.Name())
		}
	}
	slices.SortStableFunc(all, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == "test":
			return -1
		case b == "test":
			return 1
		}
		return strings.Compare(a, b)
	})
	return all
}
