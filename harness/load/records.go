package load

import (
	"math"
	"sync/atomic"

	"lastcall/harness/history"
)

const (
	chunkSize = 1 << 12 // records in a chunk
	maxChunks = 1 << 12 // chunks in a slab: 16 million requests
)

// MaxRequests is how many requests one attack can record.
const MaxRequests = chunkSize * maxChunks

// slab holds a record for every scheduled request, by sequence number. Records
// never move, so that each can be written by the one goroutine that owns its
// request while others are added.
type slab struct {
	chunks [maxChunks]atomic.Pointer[[chunkSize]history.Request]
}

// at returns the record of a sequence number, and makes room for it first if
// need be.
func (s *slab) at(seq uint32) *history.Request {
	slot := &s.chunks[seq/chunkSize]
	chunk := slot.Load()
	if chunk == nil {
		// Two goroutines may both make one: only the first is kept.
		slot.CompareAndSwap(nil, new([chunkSize]history.Request))
		chunk = slot.Load()
	}
	return &chunk[seq%chunkSize]
}

// between returns copies of the records from one number up to another, which is not
// among them.
func (s *slab) between(from, to int) []history.Request {
	out := make([]history.Request, to-from)
	for i := range out {
		out[i] = *s.at(uint32(from + i))
	}
	return out
}

// marks is a set of sequence numbers, for one goroutine.
type marks []uint64

// add adds a number, and reports whether it is new.
func (m *marks) add(seq uint32) bool {
	word, bit := int(seq/64), uint64(1)<<(seq%64)
	for len(*m) <= word {
		*m = append(*m, 0)
	}
	known := (*m)[word]&bit != 0
	(*m)[word] |= bit
	return !known
}

// chunk reports whether all numbers of a chunk are in the set.
func (m marks) chunk(n int) bool {
	const words = chunkSize / 64
	if len(m) < (n+1)*words {
		return false
	}
	for _, word := range m[n*words : (n+1)*words] {
		if word != math.MaxUint64 {
			return false
		}
	}
	return true
}
