package wire

import (
	"errors"
	"fmt"
)

// Reasons for which parsing, encoding or verifying fails. Test for them with
// errors.Is; parse errors wrap them in an *Error.
var (
	ErrTruncated   = errors.New("input ends too early")
	ErrValue       = errors.New("value not allowed")
	ErrLength      = errors.New("wrong length")
	ErrTooMany     = errors.New("too many elements")
	ErrDuplicate   = errors.New("duplicate key")
	ErrUnsorted    = errors.New("keys of a signed mapping are not sorted")
	ErrEncoding    = errors.New("invalid encoding")
	ErrChecksum    = errors.New("wrong checksum")
	ErrBlinded     = errors.New("address of an encrypted lease set")
	ErrUnsupported = errors.New("unsupported key type")
	ErrSignature   = errors.New("signature does not verify")
	ErrKeyMismatch = errors.New("private key does not belong to the public key")
)

// An Error says what was wrong with a structure, and where.
type Error struct {
	// Structure and Field are named as in the specification. The structure is
	// the innermost one that the offset lies in.
	Structure, Field string
	// Offset is where the field begins, counted from the start of what was
	// given to the parser. It is -1 when a value to be encoded was wrong.
	Offset int
	// Err is one of this package's reasons.
	Err error
}

func (e *Error) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("wire: %s: %s: %v", e.Structure, e.Field, e.Err)
	}
	return fmt.Sprintf("wire: %s: %s at byte %d: %v", e.Structure, e.Field, e.Offset, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// invalid is the error of a value that has no encoding.
func invalid(structure, field string, reason error) error {
	return &Error{Structure: structure, Field: field, Offset: -1, Err: reason}
}
