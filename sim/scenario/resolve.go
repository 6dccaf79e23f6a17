package scenario

import (
	"sync"

	"go.yaml.in/yaml/v3"
)

// defaults are the values of the table's defaults, read by the same decoder as
// scenarios. They have no position.
var defaults = sync.OnceValue(func() map[*spec]*value {
	m := map[*spec]*value{}
	var walk func(s *spec)
	walk = func(s *spec) {
		for _, c := range s.children {
			if c.Default != "" {
				m[c] = defaultOf(c)
			}
			if c.name != "reference" { // its children are the destination's
				walk(c)
			}
		}
	}
	walk(tree())
	return m
})

func defaultOf(s *spec) *value {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(s.Default), &doc); err != nil {
		panic("scenario: default of " + s.Path + ": " + err.Error())
	}
	v, err := decode(doc.Content[0], s, s.Path)
	if err != nil {
		panic("scenario: default of " + s.Path + ": " + err.Error())
	}
	return v.unwritten()
}

// unwritten returns v as if nobody had written it.
func (v *value) unwritten() *value {
	c := *v
	c.pos = position{}
	c.fields = nil
	for name, field := range v.fields {
		if c.fields == nil {
			c.fields = map[string]*value{}
		}
		c.fields[name] = field.unwritten()
	}
	c.items = nil
	for _, item := range v.items {
		c.items = append(c.items, item.unwritten())
	}
	return &c
}

// resolve fills in what was not written. The reference stays as it was
// written: what it does not name follows the destination, also where a sweep
// changes the destination.
func resolve(v *value) *value {
	c := *v
	switch {
	case v.spec.name == "reference", v.spec.isChoice():
	case v.shape == listShape && v.spec.isMap():
		c.items = make([]*value, len(v.items))
		for i, item := range v.items {
			c.items[i] = resolveMap(item)
		}
		if v.spec.Type == MapOrList {
			return alike(&c)
		}
	case v.shape == mapShape:
		return resolveMap(v)
	}
	return &c
}

// resolveMap fills in the keys of a map. The entries of a list have no use for
// count: the list counts itself.
func resolveMap(v *value) *value {
	c := *v
	c.fields = make(map[string]*value, len(v.spec.children))
	for _, s := range v.spec.children {
		field := v.fields[s.name]
		if field == nil {
			field = defaults()[s]
		}
		if field != nil {
			c.fields[s.name] = resolve(field)
		}
	}
	return &c
}

// alike turns a list of equal routers into a map with their count, so that two
// spellings of one world have one identity.
func alike(v *value) *value {
	items := make([]*value, len(v.items))
	for i, item := range v.items {
		items[i] = item.without("count")
		if !equal(items[i], items[0]) {
			for j := range v.items {
				items[j] = v.items[j].without("count")
			}
			c := *v
			c.items = items
			return &c
		}
	}
	count := defaults()[v.spec.child("count")].unwritten()
	count.scalar = int64(len(items))
	c := items[0].replace("count", count)
	c.pos = v.pos
	return c
}
