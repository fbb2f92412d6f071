package probe

import (
	"fmt"
	"time"

	"lastcall/harness/scenario"
)

// heldBound is how much longer than without it an open connection may make the
// exit: more than the bound of a second or two that a server may set, less than the
// five that Go waits for one that never spoke.
const heldBound = 3 * time.Second

// silent is a connection on which nothing is ever sent.
func silent(none *bench) (Sighting, error) {
	s, held, err := none.held("the server had accepted the connection", (*bench).dial)
	s.Seen += fingerprint(held)
	return s, err
}

// keptAlive is one that has served a request, and is not used again.
func keptAlive(none *bench) (Sighting, error) {
	s, _, err := none.held("the connection had served a request, and was open", func(b *bench) (*conn, error) {
		c, err := b.dial()
		if err == nil {
			err = b.warmUp(c)
		}
		return c, err
	})
	return s, err
}

// held measures how much longer the exit takes with such a connection. One without
// it comes first, for some servers take their time in any case; and not beside it,
// for both may want the same port.
func (b *bench) held(proof string, park func(*bench) (*conn, error)) (s Sighting, held time.Duration, err error) {
	without, err := b.left(func(*bench) error { return nil })
	if err != nil {
		return s, 0, err
	}
	if without.killed {
		return s, 0, inapplicable("it does not end by itself without such a connection, either")
	}
	with, err := b.left(func(b *bench) error {
		c, err := park(b)
		if err == nil {
			err = b.await(c.taken)
		}
		return err
	})
	if err != nil {
		return s, 0, err
	}
	held = with.took - without.took
	return Sighting{
		Reached: true, Proof: proof, Bad: with.killed || held > heldBound,
		Seen: fmt.Sprintf("%s; without the connection after %s", with, scenario.InWords(without.took)),
	}, held, nil
}

// left boots a server, brings it into a state, and stops it.
func (b *bench) left(state func(*bench) error) (leave, error) {
	one, err := b.another()
	if err != nil {
		return leave{}, err
	}
	defer one.end()
	if err := state(one); err != nil {
		return leave{}, err
	}
	return one.stop()
}

// fingerprint names whose doing a delay looks like.
func fingerprint(held time.Duration) string {
	if held < 4500*time.Millisecond || held > 6500*time.Millisecond {
		return ""
	}
	return "; Go's Shutdown waits 5 to 6 s for the first byte on such a connection"
}

// stop sends the signal and waits for the end.
func (b *bench) stop() (leave, error) {
	if err := b.signal(); err != nil {
		return leave{}, err
	}
	return b.awaitExit()
}
