package result

import (
	_ "embed"
	"slices"
)

var (
	//go:embed schema/summary.json
	summarySchema []byte
	//go:embed schema/figures.json
	figuresSchema []byte
)

// Schemas names the forms that Schema knows.
func Schemas() []string { return []string{"summary", "figures"} }

// Schema returns the JSON Schema (draft 2020-12) of the file form named
// "summary" or "figures", and nil for any other name. A schema says what keys
// and types a file has; that lo is not above hi, and that lists are of equal
// length, only the readers check.
func Schema(name string) []byte {
	switch name {
	case "summary":
		return slices.Clone(summarySchema)
	case "figures":
		return slices.Clone(figuresSchema)
	}
	return nil
}
