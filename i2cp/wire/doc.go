// Package wire encodes and decodes the structures that all I2P protocols share,
// as the common structures specification defines them
// (https://i2p.net/docs/specs/common-structures, version 0.9.67).
//
// # Encoding and decoding
//
// Each structure has a function ParseX, which returns the structure and the bytes
// that follow it, and a method or function that appends its encoding to a slice.
// What was parsed encodes to the bytes it was parsed from. A parser takes what the
// specification allows and nothing else; it returns an *Error that says in which
// structure, in which field and at which offset the input went wrong, and then
// returns nothing else. No parser allocates more than its input is long, whatever
// counts and lengths the input declares.
//
// # Borrowing
//
// Values of variable length (keys, signatures, options, Destinations) are not
// copied: they are slices of the input, which must not be modified while they are
// in use. Clone methods make copies for keeping. The Parse methods of the lease
// sets reuse the memory of their receiver, and allocate nothing once it suffices.
//
// # Signatures
//
// Parsing verifies no signature. The method Verify of each signed structure does,
// and its comment says which bytes are signed.
//
// # Time
//
// Nothing here reads a clock: what depends on the time takes it as an argument.
package wire
