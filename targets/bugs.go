package targets

// Bugs returns faults that real servers had, by number, each with a place where it
// was reported. Faulty strategies carry some of them; the others are shown by a
// placed probe, of a strategy that is as right as can be, or of a server that is not
// in this collection.
func Bugs() map[string]string {
	return map[string]string{
		"B01": "a request is lost that reached an idle connection as it was closed (golang/go #65802)",
		"B02": "a connection is lost that was accepted as the listener was closed (golang/go #36819)",
		"B03": "a connection that never sent a byte holds Shutdown for five seconds (golang/go #22682)",
		"B05": "main returns while Shutdown is still draining (golang/go #19579)",
		"B06": "log.Fatal(server.ListenAndServe()) takes ErrServerClosed for a failure (mtlynch/picoshare #571)",
		"B10": "the signal cancels the context of the requests in flight (gofiber/fiber #3431)",
		"B17": "Shutdown ignores hijacked connections: websockets end with 1006 (kernel/kernel-images #296)",
		"B19": "the listener is closed, and idle kept-alive connections hold the process (nodejs/node #2642)",
		"B21": "process.exit follows a close that closes nothing (sitespeedio/onlinetest #243)",
		"B26": "the signal ends at a wrapper, as npm or a shell, and the server serves on (npm/npm #4603)",
		"B28": "one worker: whoever waits behind its request is reset (benoitc/gunicorn #2529)",
		"B31": "the listening socket stays open while nobody accepts (benoitc/gunicorn #901)",
		"B39": "what the requests need is closed before the requests are done (spring-projects/spring-boot #4657)",
		"B53": "SIGTERM is the fast shutdown, and cuts what is in flight (nginx/docker-nginx #377)",
		"B54": "HTTP/2 that begins after the signal is served and never told (kaseiwang/http2-grace-shutdown-test)",
		"B66": "a second SIGTERM turns a clean drain into a hard stop (cockroachdb/cockroach #48070)",
		"B70": "go run passes no signal on (golang/go #54868)",
		"B71": "a wrapper ends, and leaves the server behind (fgm/envrun #35)",
		"B72": "work that was acknowledged is dropped at the exit (Kludex/starlette #1438)",
	}
}
