//go:build !linux

package sweep

func (s *socket) stampNext() {}

func (s *socket) stampNoMore() {}

// stamp returns 0: there are no stamps.
func (s *socket) stamp() int64 { return 0 }

func (s *socket) stampedLate() bool { return false }
