package load

import (
	"time"

	"lastcall/harness/history"
)

// maxOdd is how many records of folded chunks are kept one by one. A server of which
// more go wrong before any signal is not judged, and folding ends.
const maxOdd = 100_000

// fold replaces the records of a long warm-up, from the first on, by what is asked of
// them later. Only collect touches it until the attack is done.
type fold struct {
	wanted func() bool // nil: nothing is folded
	after  time.Duration
	spill  func([]history.Request) error // nil: the records are forgotten
	full   bool                          // spill has failed
	folder *history.Folder
	chunks int               // that were folded
	odd    []history.Request // of those, what does not fold
}

// foldOld folds all chunks of which every request ended long ago. After the signal there is
// nothing more to fold: what comes now is exposed.
func (a *Attack) foldOld(seen marks) {
	f, records := &a.fold, a.transport.records
	if f.wanted == nil || f.full || a.pacer.isSignalled() || !f.wanted() {
		return
	}
	before := a.transport.clock.Now() - f.after
	for len(f.odd) < maxOdd && seen.chunk(f.chunks) { // so its records are not written any more
		chunk := records.chunks[f.chunks].Load()
		for i := range chunk {
			if chunk[i].End > before {
				return
			}
		}
		if f.spill != nil {
			if f.spill(chunk[:]) != nil {
				f.full = true // who saves the history is told why
				return
			}
		}
		if f.folder == nil {
			f.folder = history.NewFolder()
		}
		for i := range chunk {
			if r := &chunk[i]; r.Folds() {
				f.folder.Add(r)
			} else {
				f.odd = append(f.odd, *r)
			}
		}
		records.chunks[f.chunks].Store(nil)
		f.chunks++
	}
}

// kept returns the records that were not folded, of so many, and what is left of the
// others.
func (a *Attack) kept(hits int) ([]history.Request, history.Folded) {
	f := &a.fold
	if f.chunks == 0 {
		return a.transport.records.between(0, hits), history.Folded{}
	}
	return append(f.odd, a.transport.records.between(f.chunks*chunkSize, hits)...), f.folder.Folded()
}
