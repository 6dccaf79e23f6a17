package tier

import "math"

// What a window counts.
const (
	accepts = iota
	rejects
	fails
)

// window counts over one period as the router's Rate does: a current count,
// and the last full period's, scaled to the period. Both enter the capacity.
type window struct {
	start     int64
	cur, last [3]float32
	live      bool // any count is not zero
}

// count adds an event to all windows.
func (c *profile) count(what int, x float32, now int64) {
	for i := range c.window {
		w := &c.window[i]
		if !w.live && now > w.start {
			// Windows without events are not kept up; their phase is.
			w.start = now - (now-w.start)%ratePeriods[i]
		}
		w.live = true
		w.cur[what] += x
	}
}

// coalesce closes the window if its period is over.
func (w *window) coalesce(period, now int64) {
	span := now - w.start
	if span < period-rateSlack {
		return
	}
	f := float32(span) / float32(period)
	w.live = false
	for i := range w.cur {
		if w.cur[i] == 0 {
			w.last[i] = 0 // what the rest would come to, as with most
			continue
		}
		w.last[i] = w.cur[i] / f
		if i != fails { // events are counted in whole numbers, blame is not
			w.last[i] = float32(int(w.last[i] + 0.499999))
		}
		w.cur[i] = 0
		w.live = w.live || w.last[i] != 0
	}
	w.start = now
}

// estimate returns the accepts per hour that a window promises; stretch is an
// hour in its periods.
func (w *window) estimate(stretch float64) float64 {
	if !w.live {
		return growthFactor
	}
	a := float64(w.cur[accepts] + w.last[accepts])
	if r := float64(w.cur[rejects] + w.last[rejects]); r > 0 && a > 0 {
		a *= a / (a + rejectWeight*r)
	}
	f := float64(w.cur[fails] + w.last[fails])
	return max(0, growthFactor+a*stretch-failWeight*f*stretch)
}

// evaluate recomputes the capacity and speed of profile i, and when time alone
// will change them next.
func (p *Profiles) evaluate(i int, now int64) {
	c := &p.cold[i]
	up := p.state[i]&connected != 0
	next := Never
	later := func(t int64) {
		if t > now {
			next = min(next, t)
		}
	}
	for w := range c.window {
		win := &c.window[w]
		if !win.live {
			continue
		}
		win.coalesce(ratePeriods[w], now)
		later(win.start + ratePeriods[w] - rateSlack)
	}

	checks := now-p.boot > ageChecksUp
	var x float64
	if checks && !up && p.idle[i] >= now-oldPeriod {
		// As written, the router's test for peers long unheard of finds those
		// that it used within the hour and is no longer connected to.
		x = 1
		later(p.idle[i] + oldPeriod + 1)
	} else if e := c.window[0].estimate(6); e > 0 {
		x = share10m*e + share60m*c.window[1].estimate(1) + share1d*c.window[2].estimate(1.0/24)
	}
	if age := now - c.firstHeard; checks && age < newPeerAge {
		// The penalty for newcomers grows with milliseconds squared where a
		// fraction was meant: nothing outweighs it.
		x = math.Inf(-1)
		later(c.firstHeard + newPeerAge)
	}
	if up {
		x += bonusConnected
	}
	x += float64(c.base)
	send := c.lastSend
	if up {
		send = now
	}
	switch {
	case c.lastFail > send:
		x -= penaltySendFail
		if send > now-recentSend {
			x += penaltySendFail
			later(send + recentSend)
		}
	default:
		x += bonusLastSend
		if send > now-recentSend {
			x += bonusRecentSend
			if !up {
				later(send + recentSend)
			}
		}
	}
	p.cap[i] = float32(max(0, x))
	p.speed[i] = c.meanPeak()
	p.due[i] = next
}
