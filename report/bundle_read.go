package report

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"

	"github.com/cloakroom/cloakroom/proof"
)

// maxLine bounds a line of a bundle, in bytes; ours have some hundreds.
const maxLine = 1 << 20

var errBundle = errors.New("it is no line of a bundle of ours")

// item is a line of a bundle after its head.
type item struct {
	kind   string // row, beside, others, end, signed
	leaf   proof.Disclosed
	digest proof.Hash // of the row, or of the report's file
	size   int64      // of others; the number of rows at the end
	hashes [][]byte
	note   string
}

// bundleReader reads a bundle, line by line.
type bundleReader struct {
	lines *bufio.Scanner
	sum   hash.Hash // of all lines before the one that is signed
	read  int       // lines
	bytes int64
}

func newBundleReader(from io.Reader) *bundleReader {
	r := &bundleReader{lines: bufio.NewScanner(from), sum: sha256.New()}
	r.lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	r.lines.Split(wholeLines)
	return r
}

// wholeLines is bufio.ScanLines, but that nothing else than a newline ends a line, and that one ends the last, too.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, errBundle
	}
	return 0, nil, nil
}

func (r *bundleReader) line() (string, error) {
	if !r.lines.Scan() {
		if r.lines.Err() != nil {
			return "", errBundle
		}
		return "", io.EOF
	}
	r.read++
	r.bytes += int64(len(r.lines.Bytes())) + 1
	return r.lines.Text(), nil
}

func (r *bundleReader) count(line string) { _, _ = io.WriteString(r.sum, line+"\n") } // a hash gives no error

// head reads what stands before the entries.
func (r *bundleReader) head() (h Head, err error) {
	version, err := r.line()
	if err != nil || version != bundleVersion {
		return h, fmt.Errorf("read a bundle: its first line is not %s", bundleVersion)
	}
	text, err := r.line()
	if err != nil {
		return h, errors.New("read a bundle: it ends after its first line")
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if d.Decode(&h) != nil || d.More() {
		return h, errors.New("read a bundle: its second line is not written as ours are")
	}
	r.count(version)
	r.count(text)
	return h, nil
}

// next reads the next line; io.EOF after the last.
func (r *bundleReader) next() (i item, err error) {
	line, err := r.line()
	if err != nil {
		return i, err
	}
	parts := strings.Split(line, " ")
	i.kind = parts[0]
	switch {
	case i.kind == "row" && len(parts) == 3:
		err = errors.Join(i.readLeaf(parts[1]), i.readDigest(parts[2]))
	case i.kind == "beside" && len(parts) == 2:
		err = i.readLeaf(parts[1])
	case i.kind == "others" && len(parts) >= 3:
		err = errors.Join(i.readSize(parts[1], 1), i.readHashes(parts[2:]))
	case i.kind == "end" && len(parts) == 3:
		err = errors.Join(i.readSize(parts[1], 0), i.readDigest(parts[2]))
	case i.kind == "signed" && len(parts) == 2:
		var text []byte
		text, err = decoded(parts[1])
		i.note = string(text)
		return i, err
	default:
		err = errBundle
	}
	if err != nil {
		return i, errBundle
	}
	r.count(line)
	return i, nil
}

func (i *item) readLeaf(text string) error {
	data, err := decoded(text)
	if err != nil {
		return err
	}
	i.leaf, err = proof.ReadDisclosed(data)
	return err //nolint:wrapcheck // what is wrong is said by the line
}

func (i *item) readDigest(text string) error {
	data, err := decoded(text)
	if err != nil || len(data) != len(i.digest) {
		return errBundle
	}
	i.digest = proof.Hash(data)
	return nil
}

func (i *item) readSize(text string, least int64) (err error) {
	i.size, err = strconv.ParseInt(text, 10, 64)
	if err != nil || i.size < least || strconv.FormatInt(i.size, 10) != text {
		return errBundle
	}
	return nil
}

func (i *item) readHashes(texts []string) error {
	for _, text := range texts {
		h, err := decoded(text)
		if err != nil || len(h) != len(i.digest) {
			return errBundle
		}
		i.hashes = append(i.hashes, h)
	}
	return nil
}

// decoded is strict: two texts are never the same bytes.
func decoded(text string) ([]byte, error) {
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") { // which the decoder passes over
		return nil, errBundle
	}
	return data, nil
}
