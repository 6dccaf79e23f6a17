package attack

import "testing"

// TestBundle: carriers that bundle their own leases, and routers that bundle what they
// published before.
func TestBundle(t *testing.T) {
	whole := talks{routers: 4, hours: 2}
	pinned, late := whole, whole
	pinned.pinned, late.late = true, true
	playFound(t, "bundle", whole.play, pinned.play, 71)
	playFound(t, "bundle", whole.play, late.play, 72)
	playNotFound(t, "bundle", whole.play, 73)
	playNotFound(t, "bundle", pinned.play, 74)
}

func TestBundleCounts(t *testing.T) {
	for _, routers := range []int{2, 4, 8} {
		w := talks{routers: routers, hours: 6, pinned: true}
		if routers == 2 {
			w.loss = 0.1
		}
		if covered, right := counts(t, "bundle", w.play, routers, 75); routers > 2 && (covered < 34 || right < 30) {
			t.Errorf("%d routers: right in %d of 40, the interval covers in %d", routers, right, covered)
		}
	}
	a, _ := New("bundle")
	for _, s := range (talks{routers: 4, hours: 2}).samples(a) {
		if v := a.Score(&s.Features); v.Posterior != nil || v.Routers.Defined() {
			t.Errorf("whole bundles count routers: %+v", v)
		}
	}
}

func (w talks) samples(a Attack) []Sample { return play(w.play).samples(a, 3, false, newRand(76)) }
