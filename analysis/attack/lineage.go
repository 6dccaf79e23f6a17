package attack

import "math"

// lineage looks at how gateways are handed from one tunnel to the next. A Java
// router builds three of four replacements over the path of the tunnel that they
// replace, an i2pd router nearly all; a balancer that orders each tunnel afresh, or
// spreads the replacements over routers, does not (Java I2P 2.8.0,
// TunnelPool.configureNewTunnel; i2pd, TunnelPool::RecreateInboundTunnel).
var lineage = signal{
	name:     "lineage",
	vantages: anySighting,
	numbers:  []string{"inherited", "inherited_slot", "returns", "life_s"},
	measure:  lineageNumbers,
}

// lineageWindowMs is how long after a tunnel has left another one over the same
// gateway counts as its heir.
const lineageWindowMs = 5 * 60 * 1000

func lineageNumbers(e *Evidence) []float64 {
	if len(e.LeaseSets) < 3 {
		return nil
	}
	var fresh, inherited, sameSlot, gone, back int
	var life float64
	lastOf := make([]int32, len(e.Hashes)) // the newest tunnel of each gateway, from 1
	left := make([]int64, len(e.Hashes))   // when the gateway was last listed
	for i := range e.LeaseSets {
		ls := &e.LeaseSets[i]
		for j, t := range ls.Tunnels {
			gw := ls.Gateways[j]
			if e.Tunnels[t].First == int32(i) {
				if i > 0 {
					fresh++
					if lastOf[gw] != 0 && ls.FirstMs-left[gw] <= lineageWindowMs {
						inherited++
						if old := &e.Tunnels[lastOf[gw]-1]; old.Last < int32(i) {
							sameSlot++
						}
					}
				}
				lastOf[gw] = t + 1
			}
			left[gw] = ls.FirstMs
			if e.Tunnels[t].Last == int32(i) && i+1 < len(e.LeaseSets) {
				gone++
				life += float64(e.LeaseSets[i+1].FirstMs-e.LeaseSets[e.Tunnels[t].First].FirstMs) / 1000
			}
		}
	}
	if fresh == 0 || gone == 0 {
		return nil
	}
	// Gateways that come back after a longer absence.
	prev := make([]int32, len(e.Hashes))
	for i := range e.LeaseSets {
		for _, gw := range e.LeaseSets[i].Gateways {
			if prev[gw] != 0 && e.LeaseSets[i].FirstMs-e.LeaseSets[prev[gw]-1].LastMs > lineageWindowMs {
				back++
			}
			prev[gw] = int32(i) + 1
		}
	}
	f := float64(fresh)
	return []float64{float64(inherited) / f, float64(sameSlot) / f, math.Log1p(float64(back)) - math.Log1p(f), life / float64(gone)}
}
