// Package layout has no code: its tests hold the module to its architecture.
// They check which package may import which, what the pure packages may not
// reach in the standard library, and that only the packages that face the real
// world read its clock.
package layout
