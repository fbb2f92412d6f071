package targets

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// The bounds of what a request may ask of /stream, /events and /upload.
const (
	maxChunks = 10_000
	maxEvery  = time.Minute
	minEvery  = 10 * time.Millisecond // for /events, which has no end
	maxUpload = 256 << 20             // bytes
)

// stream answers in chunks, one at a time, of size bytes at the least. If the request's context ends
// before the last one, the answer is cut off: it must not look whole.
func (a *App) stream(w http.ResponseWriter, r *http.Request) {
	chunks, problem := numberIn(r.URL.Query(), "chunks", 10, 1, maxChunks, "")
	every := time.Duration(0)
	if problem == "" {
		every, problem = durationIn(r.URL.Query(), "every", 100*time.Millisecond, 0, maxEvery)
	}
	size := 0
	if problem == "" {
		size, problem = numberIn(r.URL.Query(), "size", 0, 0, maxSize, " bytes")
	}
	if total := chunks * size; problem == "" && total > maxSize {
		problem = fmt.Sprintf("chunks times size is %d, must be at most %d bytes", total, maxSize)
	}
	if total := time.Duration(chunks) * every; problem == "" && total > maxDelay {
		problem = fmt.Sprintf("chunks times every is %s, must be at most %s", total, maxDelay)
	}
	if problem != "" {
		badRequest(w, problem)
		return
	}
	if !a.canChunk(w, r, "text/plain; charset=utf-8") {
		return
	}
	out := inPieces(w)
	defer out.end()
	ticker := time.NewTicker(max(every, 1)) // every 0: as fast as it goes
	defer ticker.Stop()
	for n := 1; n <= chunks; n++ {
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
		if err := out.send(piece(n, chunks, size)); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	a.executed(r)
}

// piece is one chunk of a stream: a line, and as many further bytes as it takes.
func piece(n, of, size int) string {
	line := fmt.Sprintf("chunk %d of %d\n", n, of)
	return line + strings.Repeat("x", max(0, size-len(line)))
}

// events sends server-sent events until the client leaves or the streams are
// told to end. Then it says goodbye, so that the client knows that it was no
// accident, and comes back.
func (a *App) events(w http.ResponseWriter, r *http.Request) {
	every, problem := durationIn(r.URL.Query(), "every", time.Second, minEvery, maxEvery)
	if problem != "" {
		badRequest(w, problem)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if !a.canChunk(w, r, "text/event-stream") {
		return
	}
	out := inPieces(w)
	defer out.end()
	a.executed(r)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for n := 1; ; n++ {
		if err := out.send(fmt.Sprintf("id: %d\ndata: {\"n\":%d}\n\n", n, n)); err != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-a.Streams.Ended():
			_ = out.send("event: bye\ndata: {}\n\n") // the client may be gone: there is no reader of an error
			return
		case <-r.Context().Done():
			return
		}
	}
}

// canChunk begins an answer of unknown length, and returns whether it is to go
// on. HTTP/1.0 has no chunks: the end of such an answer could not be told from
// a cut.
func (a *App) canChunk(w http.ResponseWriter, r *http.Request, contentType string) bool {
	if !r.ProtoAtLeast(1, 1) {
		writeJSON(w, http.StatusHTTPVersionNotSupported, map[string]any{"error": "this answer needs HTTP/1.1"})
		return false
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
	return r.Method != http.MethodHead
}

// upload counts and hashes what it is sent.
func (a *App) upload(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	n, err := io.Copy(sum, http.MaxBytesReader(w, r.Body, maxUpload))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		writeJSON(w, http.StatusRequestEntityTooLarge, map[string]any{"error": fmt.Sprintf("the body must be at most %d bytes", maxUpload)})
		return
	}
	if err != nil {
		badRequest(w, "the body is cut short")
		return
	}
	a.executed(r)
	writeJSON(w, http.StatusOK, map[string]any{"bytes": n, "sha256": hex.EncodeToString(sum.Sum(nil))})
}
