package scenario

import (
	"fmt"
	"slices"
	"strings"

	"multihome.i2p/sim"
)

// maxTier is the largest fast tier (Java I2P 2.8.0,
// ProfileOrganizer.ABSOLUTE_MAX_FAST_PEERS).
const maxTier = 75

// maxLeases is the most leases of a LeaseSet (I2P common structures,
// LeaseSet2) outside the scheme that lifts it.
const maxLeases = 16

// mostLeases is the most leases of any LeaseSet: of one of 16 kB.
const mostLeases = 397

// admit refuses what the table cannot: values that are not simulated, and
// names that nobody bears.
func admit(v *value, names Names) *Error {
	if v.shape == scalarShape {
		return admitScalar(v, names)
	}
	if v.shape == mapShape {
		for _, s := range v.spec.children { // in the table's order, so that the same error comes first each time
			if field := v.fields[s.name]; field != nil {
				if err := admit(field, names); err != nil {
					return err
				}
			}
		}
	}
	for _, item := range v.items {
		if err := admit(item, names); err != nil {
			return err
		}
	}
	for _, p := range v.pairs {
		for _, x := range p.values {
			if err := admit(x, names); err != nil {
				return err
			}
		}
	}
	return nil
}

func admitScalar(v *value, names Names) *Error {
	path := v.spec.dotted()
	if r, ok := refused(v.spec, v); ok {
		mend := "take it out"
		if words := simulatedWords(v.spec); len(words) > 0 && r.words != nil {
			mend = "choose " + either(words)
		} else if v.spec.Default != `""` {
			mend = "write " + v.spec.Default + ", or take it out"
		}
		return v.pos.fault(path, mend, "%s %s: %s", path, formatScalar(v.spec, v.scalar), r.what)
	}
	what := map[string]string{
		"destination.policy.name": "policy", "destination.policy.without": "rule", "figures.metric": "metric", "adversaries.attacks": "attack",
	}[path]
	if what == "" || isWord(v) || v.ofFile {
		return nil
	}
	if path == "destination.policy.without" {
		return admitRules(v, names.Rules)
	}
	return known(v, path, what, names.of(v.spec))
}

// admitRules checks the rules of a policy to be left out.
func admitRules(v *value, rules []string) *Error {
	for _, name := range sim.RulesOf(v.text()) {
		if rules != nil && !slices.Contains(rules, name) {
			mend := didYouMean(name, rules)
			if mend == "" {
				mend = "choose " + either(rules)
			}
			return v.pos.fault("destination.policy.without", mend, "policy mimic has no rule %q", name)
		}
	}
	return nil
}

func known(v *value, path, what string, names []string) *Error {
	if names == nil || slices.Contains(names, v.text()) {
		return nil
	}
	mend := didYouMean(v.text(), names)
	if mend == "" && len(names) > 0 {
		mend = "choose " + either(names)
	}
	return v.pos.fault(path, mend, "unknown %s %q", what, v.text())
}

// checkWorld checks the rules that join several keys, those of the policy arm
// first.
func checkWorld(root, destination *value, w *sim.Config) *Error {
	network := root.at("network")
	if w.Network.Floodfills > w.Network.Routers {
		return firstKnown(network.at("floodfills").position(), network.at("routers").position()).fault("network.floodfills",
			"write fewer floodfills or more routers", "%d floodfills are more than the network's %d routers", w.Network.Floodfills, w.Network.Routers)
	}
	if w.Network.I2pdCandidates > w.Network.Routers {
		return firstKnown(network.at("i2pd_candidates").position(), network.at("routers").position()).fault("network.i2pd_candidates",
			"write fewer candidates or more routers", "%d candidates are more than the network's %d routers", w.Network.I2pdCandidates, w.Network.Routers)
	}
	if err := checkArm(root, destination, w); err != nil {
		return err
	}
	if err := checkFaults(root.at("faults"), destination, w); err != nil {
		return err
	}
	if err := checkAdversaries(root.at("adversaries"), w); err != nil {
		return err
	}
	if err := distinctNames(root.at("variants"), "variants"); err != nil {
		return err
	}
	return distinctNames(root.at("figures"), "figures")
}

// singlePolicy is the policy of a core over one router.
const singlePolicy = "single"

// crowd is the number of routers from which on their fast tiers may share peers by
// chance, in a network that is too small for them side by side.
const crowd = 300

// checkArm checks one arm's destination.
func checkArm(root, destination *value, w *sim.Config) *Error {
	d := &w.Destination
	leases, scheme := destination.at("leases").position(), destination.at("scheme").position()
	routers := destination.at("routers")
	count := firstKnown(routers.at("count").position(), routers.position())
	if d.Leases > maxLeases && d.Scheme != sim.SchemeLargeLeaseSet {
		mend := fmt.Sprintf("write at most %d", maxLeases)
		if root.at("destination", "scheme").text() == string(sim.SchemeLargeLeaseSet) { // it is the reference's
			mend = fmt.Sprintf("give the reference leases of its own, as in reference: {scheme: single, leases: %d, routers: {count: 1}}", maxLeases)
		}
		return firstKnown(leases, scheme).fault("destination.leases", mend, "a LeaseSet holds no %d leases in scheme %s", d.Leases, d.Scheme)
	}
	if d.Scheme == sim.SchemeSingle && len(d.Routers) != 1 {
		return firstKnown(scheme, count).fault("destination.scheme",
			"write routers: {count: 1}, or another scheme", "scheme single has one router, not %d", len(d.Routers))
	}
	if d.Policy.Name == singlePolicy && len(d.Routers) != 1 {
		policy := destination.at("policy")
		return firstKnown(policy.at("name").position(), policy.position(), count).fault("destination.policy",
			"write routers: {count: 1}, or another policy", "policy single serves one router, not %d", len(d.Routers))
	}
	if err := checkStock(destination, d); err != nil {
		return err
	}
	if err := checkMimic(destination, d); err != nil {
		return err
	}
	if n := min(len(d.Routers), crowd) * maxTier; n > w.Network.Routers {
		return firstKnown(count, root.at("network", "routers").position()).fault("destination.routers.count",
			"write fewer routers here or more in network.routers",
			"%d routers with fast tiers of up to %d need a network of %d routers, not %d", len(d.Routers), maxTier, n, w.Network.Routers)
	}
	meta := destination.at("meta")
	if (d.Scheme == sim.SchemeP140Meta || d.Scheme == sim.SchemeMeta) && d.Meta.Republish > d.Meta.Expires {
		return firstKnown(meta.at("republish").position(), meta.at("expires").position()).fault("destination.meta.republish",
			"write a shorter republish, or a longer expires", "a Meta LeaseSet would expire %s after it is published, and be published every %s",
			formatDuration(d.Meta.Expires), formatDuration(d.Meta.Republish))
	}
	return nil
}

// mimicPolicy makes all routers look like one.
const mimicPolicy = "mimic"

// checkStock refuses what stock routers cannot do under a balancer.
func checkStock(destination *value, d *sim.Destination) *Error {
	policy, routers := destination.at("policy"), destination.at("routers")
	stock := -1
	speaking := false
	for i := range d.Routers {
		if speaks := d.Routers[i].SpeaksP140; !speaks && stock < 0 {
			stock = i
		} else if speaks {
			speaking = true
		}
	}
	if stock < 0 || d.Policy.Name == "" {
		return nil
	}
	entry := routers
	if routers.shape == listShape {
		entry = routers.items[stock]
	}
	speaks := firstKnown(entry.at("speaks").position(), entry.position(), routers.position())
	switch {
	case d.Routers[stock].Kind != sim.I2pd:
		return speaks.fault("destination.routers.speaks", "write speaks: p140, or kind: i2pd", "a stock Java router under a balancer is not simulated")
	case d.Policy.Bundle == "garlic":
		return firstKnown(policy.at("bundle").position(), speaks).fault("destination.policy.bundle",
			"write composed or pinned, or speaks: p140", "a stock router hands no garlic up")
	case d.Policy.Name == mimicPolicy && !speaking:
		return firstKnown(policy.at("name").position(), policy.position(), speaks).fault("destination.policy",
			"write natural-i2pd, or speaks: p140", "stock routers build no tunnel on command, so that policy mimic could show nothing but all of them")
	}
	return nil
}

// checkMimic refuses leaders that policy mimic cannot show. A Java router shows a
// LeaseSet 3 s after it was made; in that time the twins are built. i2pd publishes at
// once, so that a twin would have to be begun with its shadow: that is not there.
func checkMimic(destination *value, d *sim.Destination) *Error {
	if d.Policy.Name != mimicPolicy {
		return nil
	}
	policy, routers := destination.at("policy"), destination.at("routers")
	if d.Policy.Imitate == sim.I2pd {
		return firstKnown(policy.at("imitate").position(), policy.position()).fault("destination.policy.imitate",
			"write java", "policy mimic cannot imitate i2pd, which leaves no time between a tunnel and its publication")
	}
	i := slices.IndexFunc(d.Routers, func(r sim.Router) bool { return r.Kind != sim.Java })
	if i < 0 || i > 0 && d.StartTogether {
		return nil
	}
	entry, mend := routers, "write kind: java"
	if routers.shape == listShape {
		entry = routers.items[i]
	}
	if i > 0 {
		mend = "write start_together: true, so that the first router leads"
	}
	return firstKnown(entry.at("kind").position(), entry.position(), policy.position()).fault("destination.routers.kind",
		mend, "policy mimic shows what its first router does, which has to be a Java router")
}

func checkFaults(v, destination *value, w *sim.Config) *Error {
	for i := range w.Faults {
		f, item := &w.Faults[i], v.items[i]
		if n := len(w.Destination.Routers); f.Router >= n {
			return firstKnown(item.at("router").position(), destination.at("routers", "count").position()).fault("faults.router",
				"routers are counted from 1", "there is no router %d of %d", f.Router+1, n)
		}
		if f.Every > 0 && f.Every <= f.For {
			return firstKnown(item.at("every").position(), item.position()).fault("faults.every",
				"write a longer every or a shorter for", "the fault comes every %s but lasts %s", formatDuration(f.Every), formatDuration(f.For))
		}
		if f.Kind == sim.FaultSkew && f.Step == 0 {
			return firstKnown(item.at("step").position(), item.at("kind").position()).fault("faults.step",
				"say how far the clock jumps, as in step: 2s", "a skew of 0s changes nothing")
		}
		if f.At >= w.Duration {
			return item.at("at").position().fault("faults.at",
				"write an earlier at or a longer duration", "the fault comes at %s, after the end of the observation at %s", formatDuration(f.At), formatDuration(w.Duration))
		}
	}
	return nil
}

// learnedRouters is the largest number of routers that attack posterior tells from
// others: a LeaseSet has 16 leases.
const learnedRouters = 16

func checkAdversaries(v *value, w *sim.Config) *Error {
	for i := range w.Adversaries {
		if a := &w.Adversaries[i]; a.Placement == "random" && a.Floodfills > w.Network.Floodfills {
			return firstKnown(v.items[i].at("floodfills").position(), v.items[i].position()).fault("adversaries.floodfills",
				"write fewer here, or more in network.floodfills", "%d floodfills are more than the network's %d", a.Floodfills, w.Network.Floodfills)
		}
		if prior := w.Adversaries[i].Prior; prior != nil && slices.Max(prior) == 0 {
			return v.items[i].at("prior").position().fault("adversaries.prior",
				"give some number of routers a weight above 0", "the prior weighs every number of routers 0")
		} else if len(prior) > learnedRouters {
			return v.items[i].at("prior").position().fault("adversaries.prior",
				fmt.Sprintf("list at most %d", learnedRouters), "the prior weighs %d numbers of routers, and attack posterior knows %d", len(prior), learnedRouters)
		}
		horizons := v.items[i].at("horizons")
		for j, h := range w.Adversaries[i].Horizons {
			if h > w.Duration {
				return firstKnown(horizons.items[j].position(), horizons.position()).fault("adversaries.horizons",
					"write a shorter horizon or a longer duration", "the horizon %s is longer than the duration %s", formatDuration(h), formatDuration(w.Duration))
			}
			if j > 0 && h <= w.Adversaries[i].Horizons[j-1] {
				return firstKnown(horizons.items[j].position(), horizons.position()).fault("adversaries.horizons",
					"write them from the shortest to the longest", "the horizon %s follows a longer one", formatDuration(h))
			}
		}
	}
	return distinctNames(v, "adversaries")
}

// checkEntries refuses, in the faults and adversaries as they were written, keys
// that do not count for their kind: whoever writes one expects something of it.
func checkEntries(written *value) *Error {
	for _, name := range [...]string{"faults", "adversaries"} {
		v := written.at(name)
		if v == nil {
			continue
		}
		for _, item := range v.items {
			for _, s := range v.spec.children {
				if x := item.at(s.name); x != nil && !item.takes(s) {
					kind, of := item.kind()
					return x.pos.fault(s.dotted(), fmt.Sprintf("take it out, or write %s: %s", kind.name, strings.Join(s.only, " or ")),
						"%s does not count for %s %s", s.dotted(), kind.name, of)
				}
			}
		}
	}
	return nil
}

// distinctNames checks that the entries of a list have different names.
func distinctNames(v *value, path string) *Error {
	seen := map[string]bool{}
	for _, item := range v.items {
		name := item.at("name")
		if seen[name.text()] {
			return name.position().fault(path+".name", "give each a name of its own", "two of the %s are called %s", path, name.text())
		}
		seen[name.text()] = true
	}
	return nil
}
