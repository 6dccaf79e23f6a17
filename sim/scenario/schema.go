package scenario

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// object is a JSON Schema or a part of one.
type object = map[string]any

// Schema returns the JSON Schema (draft 2020-12) of scenario files. It takes
// whatever Parse takes; rules that join several keys, and the order of
// durations, only Parse knows. The bytes are the same each time.
func Schema(names Names) []byte {
	root := mapSchema(tree(), names, false)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "https://multihome.i2p/schema/scenario.json"
	root["title"] = "mhsim scenario"
	defs := object{}
	var define func(s *spec)
	define = func(s *spec) {
		for _, c := range s.children {
			if !c.isMap() && c.Type != Grid && c.Type != Settings {
				defs[c.dotted()] = valueSchema(c, names)
			}
			if c.name != "reference" {
				define(c)
			}
		}
	}
	define(tree())
	root["$defs"] = defs
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		panic(err) // strings, numbers and maps always encode
	}
	return b.Bytes()
}

// mapSchema is the schema of a map with the keys below s. In the reference no
// key is required and defaults are the destination's.
func mapSchema(s *spec, names Names, entries bool) object {
	properties := object{}
	var required []string
	for _, c := range s.children {
		if entries && c.name == "count" {
			continue
		}
		properties[c.name] = keySchema(c, names)
		if c.required {
			required = append(required, c.name)
		}
	}
	o := object{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		o["required"] = required
	}
	return o
}

// keySchema is the schema of a key in its place.
func keySchema(s *spec, names Names) object {
	var o object
	switch s.Type {
	case Map:
		o = mapSchema(s, names, false)
		if s.short != "" {
			o = object{"oneOf": []any{ref(s.child(s.short)), o}}
		}
	case List:
		o = object{"type": "array", "maxItems": maxItems, "items": mapSchema(s, names, false)}
	case MapOrList:
		o = object{"oneOf": []any{
			mapSchema(s, names, false),
			object{"type": "array", "minItems": 1, "maxItems": maxItems, "items": mapSchema(s, names, true)},
		}}
	case Grid, Settings:
		properties := object{}
		for _, path := range sweepable(s.Type == Settings) {
			k := find(path)
			if k.short != "" {
				k = k.child(k.short)
			}
			x := scalarRef(k)
			if s.Type == Grid {
				x = object{"type": "array", "minItems": 1, "uniqueItems": true, "items": x}
			}
			properties[path] = x
		}
		o = object{"type": "object", "properties": properties, "additionalProperties": false}
	default:
		return ref(s)
	}
	o["description"] = s.Doc
	return o
}

func ref(s *spec) object { return object{"$ref": "#/$defs/" + s.dotted()} }

// scalarRef refers to a key of which a dotted path sets only the scalar: a
// choice without its map.
func scalarRef(s *spec) object {
	if s.isChoice() {
		return scalarSchema(s, Names{})
	}
	return ref(s)
}

// valueSchema is the schema of a key that is not a map, with all that is known
// of it for an editor to show.
func valueSchema(s *spec, names Names) object {
	o := scalarSchema(s, names)
	if s.isChoice() {
		o = object{"oneOf": []any{o, mapSchema(s, names, false)}}
	}
	text := s.Doc
	if s.Unit != "" {
		text += " Unit: " + s.Unit + "."
	}
	if s.Source != "" {
		text += " Source: " + s.Source + "."
	}
	o["description"] = text
	if s.Default != "" {
		o["default"] = defaultJSON(s)
	}
	return o
}

// scalarSchema is the schema of a key's values and words.
func scalarSchema(s *spec, names Names) object {
	var o object
	switch s.Type {
	case Int:
		o = object{"type": "integer"}
	case Float:
		o = object{"type": "number"}
	case Bool:
		o = object{"type": "boolean"}
	case Duration:
		o = object{"type": "string", "pattern": durationPattern.String()}
	case DurationList:
		o = object{
			"type": "array", "minItems": 1, "maxItems": maxItems, "uniqueItems": true,
			"items": object{"type": "string", "pattern": durationPattern.String()},
		}
	case FloatList:
		item := object{"type": "number"}
		bound(item, s)
		o = object{"type": "array", "minItems": 1, "maxItems": maxItems, "items": item}
	case Enum:
		return object{"enum": simulatedWords(s)}
	case String:
		o = object{"type": "string", "maxLength": maxText}
		if s.verbatim {
			o["maxLength"] = maxSource
		}
		if isName(s) {
			o["pattern"] = namePattern.String()
		}
		if list := names.of(s); list != nil {
			o = object{"enum": list}
		}
	case NameList:
		item := object{"type": "string", "pattern": namePattern.String()}
		if list := names.of(s); list != nil {
			item = object{"enum": list}
		}
		o = object{"type": "array", "minItems": 1, "maxItems": maxItems, "uniqueItems": true, "items": item}
	}
	if s.Type == Int || s.Type == Float {
		bound(o, s)
	}
	if len(s.Words) > 0 {
		return object{"anyOf": []any{object{"enum": s.Words}, o}}
	}
	return o
}

// of returns the list that a key's names are taken from, nil for none.
func (n Names) of(s *spec) []string {
	switch s.dotted() {
	case "destination.policy.name":
		return n.Policies
	case "figures.metric":
		return n.Metrics
	case "adversaries.attacks":
		return n.Attacks
	}
	return nil
}

// bound adds a number's bounds to its schema.
func bound(number object, s *spec) {
	if s.Min != "" {
		number["minimum"] = json.Number(s.Min)
	}
	if s.Max != "" {
		number["maximum"] = json.Number(s.Max)
	}
}

// jsonNumber is a default that JSON spells as YAML does.
var jsonNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$|^(true|false)$`)

func defaultJSON(s *spec) any {
	text := s.Default
	switch {
	case jsonNumber.MatchString(text):
		return json.RawMessage(text)
	case strings.HasPrefix(text, `"`):
		return strings.Trim(text, `"`)
	}
	return text
}
