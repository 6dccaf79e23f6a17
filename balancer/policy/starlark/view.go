package starlark

import (
	"errors"
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"multihome.i2p/balancer"
)

// viewValue is v, the first argument of every function: what the core shows, the
// run's random numbers, and what the file remembers.
type viewValue struct {
	value
	s     *script
	now   *balancer.View // nil outside of calls of the core
	state *starlark.Dict
	attrs map[string]starlark.Value // those that do not change
	names []string
	// lists are the routers' peer lists as they were asked for last.
	lists []peerList
	ids   []balancer.TunnelID // memory of tunnels
	path  []balancer.PeerID   // memory of take_reusable
}

type peerList struct {
	version uint64
	made    bool
	list    *starlark.List
}

// method is a function of v. Its arguments have been counted.
type method struct {
	least, most int
	call        func(v *viewValue, args starlark.Tuple) (starlark.Value, error)
}

var methods = map[string]method{
	"active":  {1, 1, ofRouter(func(v *balancer.View, r balancer.RouterID) starlark.Value { return starlark.Bool(v.Active(r)) })},
	"serving": {1, 1, ofRouter(func(v *balancer.View, r balancer.RouterID) starlark.Value { return starlark.Bool(v.Serving(r)) })},
	"kind":    {1, 1, ofRouter(kindWord)},
	"uptime": {1, 1, ofRouter(func(v *balancer.View, r balancer.RouterID) starlark.Value {
		return starlark.MakeInt64(int64(v.Uptime(r)))
	})},
	"hops":       {1, 1, ofRouter(func(v *balancer.View, r balancer.RouterID) starlark.Value { return starlark.MakeInt(v.Hops(r)) })},
	"quota":      {1, 1, ofRouter(func(v *balancer.View, r balancer.RouterID) starlark.Value { return starlark.MakeInt(v.Quota(r)) })},
	"fast_count": {1, 1, ofRouter(func(v *balancer.View, r balancer.RouterID) starlark.Value { return starlark.MakeInt(v.FastCount(r)) })},
	"peers_version": {1, 1, ofRouter(func(v *balancer.View, r balancer.RouterID) starlark.Value {
		return starlark.MakeUint64(v.PeersVersion(r))
	})},
	"can":           {2, 2, (*viewValue).can},
	"peers":         {1, 1, (*viewValue).peers},
	"use":           {2, 2, (*viewValue).use},
	"tunnels":       {2, 2, (*viewValue).tunnels},
	"take_reusable": {3, 3, (*viewValue).takeReusable},
	"random":        {1, 1, (*viewValue).random},
	"chance":        {1, 1, (*viewValue).chance},
	"shuffled":      {1, 1, (*viewValue).shuffled},
	"slice_key":     {0, 0, (*viewValue).sliceKey},
	"base":          {0, 0, (*viewValue).base},
}

// capabilities are the words of v.can.
var capabilities = map[string]balancer.Capabilities{
	"fast_tier": balancer.CapFastTier, "create_tunnel": balancer.CapCreateTunnel, "tunnel_pool": balancer.CapTunnelPool,
	"publish_named": balancer.CapPublishNamed, "publish_status": balancer.CapPublishStatus, "ack_relay": balancer.CapAckRelay,
	"garlic": balancer.CapGarlic, "give": balancer.CapGive, "lookup": balancer.CapLookup, "stand_in": balancer.CapStandIn,
}

func (v *viewValue) init(s *script) {
	v.value, v.s = value{"view"}, s
	v.attrs = map[string]starlark.Value{"options": optionsOf(s)}
	for name, m := range methods {
		v.attrs[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			if len(kwargs) > 0 || len(args) < m.least || len(args) > m.most {
				return nil, fmt.Errorf("v.%s takes %d arguments by position", name, m.least)
			}
			x, err := m.call(v, args)
			if err != nil {
				return nil, fmt.Errorf("v.%s: %w", name, err)
			}
			return x, nil
		})
	}
	for name := range v.attrs {
		v.names = append(v.names, name)
	}
	v.names = append(v.names, "now", "routers", "state")
	slices.Sort(v.names)
	v.state = starlark.NewDict(0)
}

// reset forgets everything of the last run over n routers.
func (v *viewValue) reset(n int) {
	v.state = starlark.NewDict(0)
	v.attrs["routers"] = starlark.MakeInt(n)
	// One more is the virtual router of a base that imitates one.
	v.lists = slices.Grow(v.lists[:0], n+1)[:n+1]
	clear(v.lists)
}

func (v *viewValue) String() string { return "view" }

func (v *viewValue) AttrNames() []string { return v.names }

func (v *viewValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "now":
		if v.now == nil {
			return nil, errOutside
		}
		return starlark.MakeInt64(int64(v.now.Now())), nil
	case "state":
		return v.state, nil
	}
	if x, ok := v.attrs[name]; ok {
		return x, nil
	}
	return nil, nil
}

var errOutside = errors.New("reset comes before there is anything to see: v has only routers, options, state and random numbers there")

// router reads the number of a router.
func (v *viewValue) router(x starlark.Value) (balancer.RouterID, error) {
	if v.now == nil {
		return 0, errOutside
	}
	n, ok := x.(starlark.Int)
	if !ok {
		return 0, fmt.Errorf("a router is a number, not %s", a(x))
	}
	if r, small := n.Int64(); small && r >= 0 && r < int64(v.s.routers(v.now)) {
		return balancer.RouterID(r), nil
	}
	return 0, fmt.Errorf("there is no router %s: they count from 0 to %d", x, v.s.routers(v.now)-1)
}

func ofRouter(get func(*balancer.View, balancer.RouterID) starlark.Value) func(*viewValue, starlark.Tuple) (starlark.Value, error) {
	return func(v *viewValue, args starlark.Tuple) (starlark.Value, error) {
		r, err := v.router(args[0])
		if err != nil {
			return nil, err
		}
		return get(v.now, r), nil
	}
}

func kindWord(v *balancer.View, r balancer.RouterID) starlark.Value {
	if v.Kind(r) == balancer.KindI2pd {
		return starlark.String("i2pd")
	}
	return starlark.String("java")
}

func (v *viewValue) can(args starlark.Tuple) (starlark.Value, error) {
	r, err := v.router(args[0])
	if err != nil {
		return nil, err
	}
	word, _ := starlark.AsString(args[1])
	c, ok := capabilities[word]
	if !ok {
		return nil, fmt.Errorf("there is no capability %s", args[1])
	}
	return starlark.Bool(v.now.Capabilities(r)&c != 0), nil
}

func (v *viewValue) peers(args starlark.Tuple) (starlark.Value, error) {
	r, err := v.router(args[0])
	if err != nil {
		return nil, err
	}
	l := &v.lists[r]
	if version := v.now.PeersVersion(r); !l.made || l.version != version {
		slots := v.now.Peers(r)
		items := make([]starlark.Value, len(slots))
		for i, slot := range slots {
			items[i] = &peerValue{*v.now.Peer(slot)}
		}
		l.version, l.made, l.list = version, true, starlark.NewList(items)
		l.list.Freeze()
	}
	return l.list, nil
}

func (v *viewValue) use(args starlark.Tuple) (starlark.Value, error) {
	r, err := v.router(args[0])
	if err != nil {
		return nil, err
	}
	p, err := peerNumber(args[1])
	if err != nil {
		return nil, err
	}
	through, all := v.now.Use(r, p)
	return starlark.Tuple{starlark.MakeInt(through), starlark.MakeInt(all)}, nil
}

func (v *viewValue) tunnels(args starlark.Tuple) (starlark.Value, error) {
	r, err := v.router(args[0])
	if err != nil {
		return nil, err
	}
	d, err := asDirection(args[1])
	if err != nil {
		return nil, err
	}
	v.ids = v.now.Tunnels(r, d, v.ids[:0])
	items := make([]starlark.Value, len(v.ids))
	for i, id := range v.ids {
		items[i] = starlark.MakeInt64(int64(id))
	}
	return starlark.NewList(items), nil
}

func (v *viewValue) takeReusable(args starlark.Tuple) (starlark.Value, error) {
	r, err := v.router(args[0])
	if err != nil {
		return nil, err
	}
	d, err := asDirection(args[1])
	if err != nil {
		return nil, err
	}
	n, ok := args[2].(starlark.Int)
	within, small := n.Int64()
	if !ok || !small {
		return nil, errors.New("the span is a whole number of nanoseconds, such as 3 * minute")
	}
	v.path, ok = v.now.TakeReusable(balancer.PoolID(r), d, balancer.Time(within), v.path[:0])
	if !ok {
		return starlark.None, nil
	}
	return peerNumbers(v.path), nil
}

func (v *viewValue) random(args starlark.Tuple) (starlark.Value, error) {
	n, err := starlark.AsInt32(args[0])
	if err != nil || n < 1 {
		return nil, fmt.Errorf("want a whole number from 1, got %s", args[0])
	}
	return starlark.MakeInt(v.s.rng.IntN(n)), nil
}

func (v *viewValue) chance(args starlark.Tuple) (starlark.Value, error) {
	p, ok := starlark.AsFloat(args[0])
	if !ok || !(p >= 0 && p <= 1) {
		return nil, fmt.Errorf("want a number from 0 to 1, got %s", args[0])
	}
	return starlark.Bool(v.s.rng.Float64() < p), nil
}

func (v *viewValue) shuffled(args starlark.Tuple) (starlark.Value, error) {
	seq, ok := args[0].(starlark.Indexable)
	if !ok {
		return nil, fmt.Errorf("want a list, not %s", a(args[0]))
	}
	items := make([]starlark.Value, seq.Len())
	for i := range items {
		items[i] = seq.Index(i)
	}
	v.s.rng.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	return starlark.NewList(items), nil
}

func (v *viewValue) sliceKey(starlark.Tuple) (starlark.Value, error) {
	k0 := v.s.rng.Uint64()
	return &keyValue{value{"slice_key"}, balancer.SliceKey{K0: k0, K1: v.s.rng.Uint64()}}, nil
}

func (v *viewValue) base(starlark.Tuple) (starlark.Value, error) {
	if v.s.base == nil {
		return nil, errors.New("the file has no base")
	}
	if v.now == nil {
		return nil, errOutside
	}
	return v.s.askBase()
}

// optionsValue is v.options: what the scenario or the configuration sets.
type optionsValue struct {
	value
	fields starlark.StringDict
}

func optionsOf(s *script) *optionsValue {
	o := &s.opt
	return &optionsValue{value{"options"}, starlark.StringDict{
		"reuse": starlark.Float(o.Reuse), "publisher": starlark.String(o.Publisher), "bundle": starlark.String(o.Bundle),
		"pinned_for": starlark.MakeInt64(int64(o.PinnedFor)), "rotate": starlark.Bool(o.Rotate), "masked": starlark.Bool(o.Masked),
		"size": starlark.MakeInt(o.Size), "pool_from": starlark.String(o.From), // from is a reserved word
		"slices": starlark.Bool(o.Slices), "ibgw_filter": starlark.Bool(o.IBGWFilter),
		"max_peer_share": starlark.Bool(o.MaxPeerShare), "same_subnet": starlark.Bool(o.SameSubnet),
	}}
}

func (o *optionsValue) String() string { return "options" }

func (o *optionsValue) AttrNames() []string { return o.fields.Keys() }

func (o *optionsValue) Attr(name string) (starlark.Value, error) {
	if x, ok := o.fields[name]; ok {
		return x, nil
	}
	return nil, nil
}
