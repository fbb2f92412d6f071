package process

import (
	"fmt"
	"slices"
)

// Listens returns the TCP addresses (host:port) at which the command, or anything
// that it has started, listens now. It looks at every process for every address,
// and is meant for explaining what went wrong.
func (p *Process) Listens() ([]string, error) {
	tree, err := p.Tree()
	if err != nil {
		return nil, err
	}
	all, err := listeners()
	if err != nil {
		return nil, fmt.Errorf("where process %d listens: %w", p.PID(), err)
	}
	var addresses []string
	for _, l := range all {
		pids, err := owners([]listener{l})
		if err != nil {
			return nil, fmt.Errorf("where process %d listens: %w", p.PID(), err)
		}
		ours := func(member Info) bool { return slices.Contains(pids, member.PID) }
		if address := l.addr.String(); slices.ContainsFunc(tree, ours) && !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	return addresses, nil
}
