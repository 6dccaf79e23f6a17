package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// rowsPerGroup bounds what the writer keeps in memory.
const rowsPerGroup = 10_000

// parquetGroup is a group whose columns keep their order; those of parquet.Group are
// sorted.
type parquetGroup struct {
	parquet.Group
	order []string
}

// Fields implements parquet.Node.
func (g parquetGroup) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(g.order, a.Name()) - slices.Index(g.order, b.Name())
	})
	return fields
}

// parquetSchema has plain types and encodings that every reader knows: strings,
// 64-bit integers, doubles and booleans, compressed by Zstandard.
func (t *table) parquetSchema() *parquet.Schema {
	g := parquetGroup{Group: parquet.Group{}}
	for _, c := range t.columns {
		var node parquet.Node
		switch c.kind {
		case wholeColumn:
			node = parquet.Int(64)
		case realColumn:
			node = parquet.Leaf(parquet.DoubleType)
		case truthColumn:
			node = parquet.Leaf(parquet.BooleanType)
		default:
			node = parquet.String()
		}
		node = parquet.Compressed(parquet.Encoded(node, &parquet.Plain), &parquet.Zstd)
		if c.optional {
			node = parquet.Optional(node)
		}
		g.Group[c.name] = node
		g.order = append(g.order, c.name)
	}
	return parquet.NewSchema(t.name, g)
}

func (t *table) writeParquet(w io.Writer) error {
	out := parquet.NewWriter(w, t.parquetSchema(), parquet.CreatedBy("mhsim", "1", ""),
		parquet.DataPageVersion(1), parquet.MaxRowsPerRowGroup(rowsPerGroup))
	cells := make(parquet.Row, len(t.columns))
	err := t.each(func(row []any) error {
		for i, v := range row {
			level := 0
			if t.columns[i].optional && v != nil {
				level = 1
			}
			if v == nil && !t.columns[i].optional {
				return fmt.Errorf("column %s lacks a value", t.columns[i].name)
			}
			cells[i] = parquet.ValueOf(v).Level(0, level, i)
		}
		_, err := out.WriteRows([]parquet.Row{cells})
		return err
	})
	if err != nil {
		return err
	}
	return out.Close()
}
