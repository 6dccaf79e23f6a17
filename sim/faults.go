package sim

// shockShare is how much of a fast tier a tier_shock replaces.
const shockShare = 0.5

// restartPause is how long a restarting router is away. Assumption: a Java
// router takes about a minute from its end to its first tunnels' builds.
const restartPause = 60 * Second

// faultState is one fault of the configuration.
type faultState struct {
	floodfills []int32 // lost and not yet back
}

func (w *World) resetFaults() {
	n := len(w.cfg.Faults)
	for len(w.faults) < n {
		w.faults = append(w.faults, faultState{})
	}
	w.faults = w.faults[:n]
	w.mortal = false
	for i := range w.faults {
		switch w.cfg.Faults[i].Kind {
		case FaultCrash, FaultRestart, FaultStall:
			w.mortal = true
		}
		w.faults[i].floodfills = w.faults[i].floodfills[:0]
		w.push(w.observed+w.cfg.Faults[i].At, evFault, int32(i), 0)
	}
}

// faultStrikes lets fault i happen.
func (w *World) faultStrikes(i int32) {
	f := &w.cfg.Faults[i]
	switch f.Kind {
	case FaultFloodfillLoss:
		w.loseFloodfill(i)
	default:
		for r := range w.routers {
			if f.Router < 0 || f.Router == r {
				w.strikeRouter(f, int32(r))
			}
		}
	}
	span := f.For
	if f.Kind == FaultRestart {
		span = restartPause
	}
	if span > 0 {
		w.push(w.now+span, evFaultEnd, i, 0)
	}
	if f.Every > 0 {
		w.push(w.now+f.Every, evFault, i, 0)
	}
}

func (w *World) strikeRouter(f *Fault, i int32) {
	r := &w.routers[i]
	switch f.Kind {
	case FaultCrash, FaultRestart:
		if r.up {
			w.observer.pending = append(w.observer.pending, failover{i, r.boot, w.now})
			w.strikeClients(i)
			w.stopRouter(i)
		}
	case FaultStall:
		if r.up && !r.stalled {
			r.stalled = true
			w.strikeClients(i)
			w.coreStalled(i)
		}
	case FaultSkew:
		r.skew += f.Step
	case FaultTierShock:
		if k := w.tierOf[i]; k != none {
			w.tiers.Shock(int(k), shockShare, int64(w.now))
		}
	}
}

// faultEnds undoes fault i.
func (w *World) faultEnds(i int32) {
	f := &w.cfg.Faults[i]
	if f.Kind == FaultFloodfillLoss {
		w.regainFloodfill(i)
		return
	}
	for k := range w.routers {
		if f.Router >= 0 && f.Router != k {
			continue
		}
		r := &w.routers[k]
		switch f.Kind {
		case FaultCrash, FaultRestart:
			if t := w.tierOf[k]; t != none && !r.up {
				w.tiers.Restart(int(t), int64(w.now))
			}
			w.startRouter(int32(k))
		case FaultStall:
			w.wakeRouter(int32(k))
		}
	}
}

// wakeRouter lets a stalled router go on. What came due meanwhile happens now.
func (w *World) wakeRouter(i int32) {
	r := &w.routers[i]
	if !r.up || !r.stalled {
		return
	}
	r.stalled = false
	for _, p := range r.pools {
		for k := 0; k < len(p.members); {
			y := p.members[k]
			t := w.tunnels.at(y)
			if t.early <= w.now && r.cfg.Kind == Java {
				w.tunnelExpired(y)
				p.members = r.pools[p.dir].members
				continue
			}
			if t.failures > 0 && t.tests < w.now {
				w.retest(y)
			}
			k++
		}
	}
	if r.mode == modeJava {
		r.idleFrom = Never
		w.rebuildLeaseSet(i)
		if r.ls.ever {
			w.setRepublish(i, w.now)
		}
		w.wakeLoop(i)
	}
	if r.cfg.Kind == I2pd {
		w.i2pdWake(i)
	}
}

// loseFloodfill takes away the floodfill closest to today's routing key.
func (w *World) loseFloodfill(i int32) {
	f := int32(none)
	for _, x := range w.net.keys[serviceKey].today {
		if x != none && !w.net.ff[x].ground { // the observer keeps its own running
			f = x
			break
		}
	}
	if f == none {
		return
	}
	ff := &w.net.ff[f]
	ff.dead = true
	w.emptyFloodfill(f)
	w.faults[i].floodfills = append(w.faults[i].floodfills, f)
	w.rankKeys()
}

// regainFloodfill brings the one lost first back, empty.
func (w *World) regainFloodfill(i int32) {
	s := &w.faults[i]
	if len(s.floodfills) == 0 {
		return
	}
	w.net.ff[s.floodfills[0]].dead = false
	s.floodfills = append(s.floodfills[:0], s.floodfills[1:]...)
	w.rankKeys()
}
