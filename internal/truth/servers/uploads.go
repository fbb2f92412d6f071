package main

import (
	"context"
	"net"
	"net/http"
	"time"
)

// cutsUploads is wrong: uploads are read a bit at a time, and SIGTERM ends those
// of which only a part has come. What was read to its end is answered.
func cutsUploads(ln net.Listener, _ string) error {
	const part = 32 << 10
	stopping := make(chan struct{})
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buffer := make([]byte, part)
		for {
			select {
			case <-stopping:
				panic(http.ErrAbortHandler) // here is the mistake
			case <-time.After(work / 10):
			}
			if _, err := r.Body.Read(buffer); err != nil {
				break
			}
		}
		w.Write([]byte("ok\n"))
	})}
	stop := terminated()
	go s.Serve(ln) // as in drain
	<-stop
	close(stopping)
	return s.Shutdown(context.Background())
}
