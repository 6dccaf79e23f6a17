package sim

// A client of a service with a Meta LeaseSet takes one of the sub-Destinations that
// it names and stays with it for as long as that has a LeaseSet; the Meta LeaseSet is
// kept until it expires, in hours. No router does that today. Proposal 123 leaves
// open how a client chooses: here the least cost, of equal ones any, and another one
// where a sub-Destination has no LeaseSet or a stream with it has died.

// resolve names the sub-Destination that client c looks up, or none, and when it
// knows which: at once, where it holds the Meta LeaseSets.
func (w *World) resolve(c *client) (int32, Time) {
	at := w.now
	if c.meta != none && Time(w.sets.at(c.meta).expires)*Second <= w.epoch+w.now {
		w.forgetMeta(c)
	}
	if c.set != none {
		return c.key, at // what it has, once more
	}
	if c.meta == none {
		var x int32
		if x, at = w.askInTurn(c, serviceKey, at); x == none {
			return none, at
		}
		c.meta = w.holdSet(x)
	}
	key := w.drawEntry(c, c.meta)
	if key == none || key <= w.meta.subs {
		return key, at
	}
	// A Meta LeaseSet of the second level.
	var x int32
	if x, at = w.askInTurn(c, key, at); x == none {
		return none, at
	}
	return w.drawEntry(c, x), at
}

// drawEntry draws one of the cheapest entries of a Meta LeaseSet that have not
// expired, but for the one to be avoided if there is another.
func (w *World) drawEntry(c *client, x int32) int32 {
	rng := w.streams.rand[streamClients]
	chosen, seen := int32(none), 0
	cost := uint8(0)
	for _, e := range w.sets.at(x).entries {
		if Time(e.expires)*Second <= w.epoch+w.now || e.key == c.avoid {
			continue
		}
		if chosen == none || e.cost < cost {
			chosen, cost, seen = e.key, e.cost, 1
		} else if e.cost == cost {
			if seen++; rng.IntN(seen) == 0 {
				chosen = e.key
			}
		}
	}
	if chosen == none {
		chosen, c.avoid = c.avoid, none
	}
	return chosen
}

// changeKey lets a client turn to a sub-Destination, which has keys and so sessions
// of its own.
func (w *World) changeKey(c *client, key int32) {
	if c.key == key {
		return
	}
	w.forgetSet(c)
	c.key = key
	c.talk = ratchet{serial: c.talk.serial + 1, router: none}
}

func (w *World) forgetMeta(c *client) {
	if c.meta != none {
		w.releaseSet(c.meta)
		c.meta = none
	}
}

// leaveSub has a client of a service with a Meta LeaseSet turn to another
// sub-Destination: a stream with this one has died.
func (w *World) leaveSub(c *client) {
	if w.meta.on && c.set != none {
		c.avoid = c.key
		w.forgetSet(c)
	}
}
