package attack

// order looks at habits of listing: routers list the latest end first and leave no
// trace of where a lease came from. Lists that are put together from several
// routers' ones stand in blocks (Java I2P 2.8.0, TunnelPool.locked_buildNewLeaseSet;
// router habits in LeaseSet2.compareTo).
var order = signal{
	name:     "order",
	vantages: anySighting,
	numbers:  []string{"ascents", "sorted", "moves", "leases", "leases_spread", "expires_late_s"},
	measure:  orderNumbers,
	natural:  func(v []float64) float64 { return v[0] },
}

func orderNumbers(e *Evidence) []float64 {
	if len(e.LeaseSets) < 3 {
		return nil
	}
	var ascents, pairs, sorted, moves, common int
	var leases, squares, late float64
	place := make([]int32, len(e.Tunnels)) // in the LeaseSet before, from 1
	for i := range e.LeaseSets {
		ls := &e.LeaseSets[i]
		ok := true
		latest := ls.Ends[0]
		for j := 1; j < len(ls.Ends); j++ {
			pairs++
			if ls.Ends[j] > ls.Ends[j-1] {
				ascents++
				ok = false
			}
			latest = max(latest, ls.Ends[j])
		}
		if ok {
			sorted++
		}
		// Leases that both list: how often they changed places.
		last := int32(0)
		for _, t := range ls.Tunnels {
			if p := place[t]; p != 0 {
				if last != 0 {
					common++
					if p < last {
						moves++
					}
				}
				last = p
			}
		}
		if i > 0 {
			for _, t := range e.LeaseSets[i-1].Tunnels {
				place[t] = 0
			}
		}
		for j, t := range ls.Tunnels {
			place[t] = int32(j) + 1
		}
		n := float64(len(ls.Ends))
		leases += n
		squares += n * n
		if ls.ExpiresMs > 0 {
			late += float64(ls.ExpiresMs-latest) / 1000
		}
	}
	n := float64(len(e.LeaseSets))
	share := func(a, b int) float64 { return float64(a) / float64(max(b, 1)) }
	mean := leases / n
	return []float64{share(ascents, pairs), float64(sorted) / n, share(moves, common), mean, max(0, squares/n-mean*mean), late / n}
}
