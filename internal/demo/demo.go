package demo

import (
	"context"
	"net"
)

// Serve serves the demo on the listener until the context ends. It calls opened with the
// page's URL once the first servers are being started, and what that returns in the end.
func Serve(ctx context.Context, ln net.Listener, texts Texts, opened func(url string) (done func())) error {
	board := NewBoard(texts)
	stage, err := newStage(ctx, board)
	if err != nil {
		return err
	}
	defer stage.close()
	server := NewServer(stage, board, texts, ln)
	if err := stage.Apply(Opening()); err != nil {
		return err
	}
	defer opened(server.URL(ln))()
	return server.Serve(ctx, ln)
}
