// Package config reads mhbalance.yaml, the operator's routers and Destinations.
//
// The file is one plain YAML document: unknown and repeated keys are errors, and
// so are anchors, aliases and tags. Every error names the file, the line and the
// column, what is wrong and what mends it, and all of them are told at once.
// Relative paths in it start from the directory that the file lies in.
//
// [Parse] reads the text alone; [Config.Live] then opens the files that it names,
// the keys and passwords.
package config
