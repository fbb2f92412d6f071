package process

import "testing"

// treeNow is the tree of a process where the system shows it.
func treeNow(t testing.TB, p *Process) []Info {
	t.Helper()
	tree, err := p.Tree()
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
