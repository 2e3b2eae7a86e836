package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/documents"
	"github.com/cloakroom/cloakroom/resolvers"
)

// DocumentsCmd is `cloakroom documents`: what may run where DOCUMENTS is trusted.
type DocumentsCmd struct {
	List  DocumentsListCmd  `cmd:"" help:"List the documents that may run, with their hashes."`
	Build DocumentsBuildCmd `cmd:"" help:"Make a manifest of files with one operation each, and print it."`
}

// DocumentsListCmd is `cloakroom documents list`.
type DocumentsListCmd struct{}

// Run prints name and hash of each document, by name.
func (DocumentsListCmd) Run(app *App) error {
	manifest, err := app.documents()
	if err != nil {
		return err
	}
	var lines []string
	for hash, text := range manifest {
		name, err := documents.Name(text)
		if err != nil {
			return fmt.Errorf("the manifest's document %.12s…: %w", hash, err)
		}
		lines = append(lines, name+"\t"+hash)
	}
	slices.Sort(lines)
	table := tabwriter.NewWriter(app.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tSHA-256")
	for _, line := range lines {
		fmt.Fprintln(table, line)
	}
	return table.Flush()
}

// DocumentsBuildCmd is `cloakroom documents build`.
type DocumentsBuildCmd struct {
	Files []string `arg:"" name:"file" type:"existingfile" help:"A .graphql file with one operation that has a name."`
}

// Run prints the manifest of documents that this version's schema and limits let run.
func (c DocumentsBuildCmd) Run(app *App) error {
	texts := make(map[string]string, len(c.Files))
	var problems []error
	for _, file := range c.Files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read a document: %w", err)
		}
		texts[file] = string(text)
		if err := resolvers.CheckDocument(string(text)); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", file, err))
		}
	}
	manifest, err := documents.Build(texts)
	if err := errors.Join(append(problems, err)...); err != nil {
		return err
	}
	encoded, err := manifest.Encode()
	if err != nil {
		return err
	}
	_, err = app.Stdout.Write(encoded)
	return err
}

// documents gives the console's and the services' documents, and the installation's own.
func (app *App) documents() (documents.Manifest, error) {
	manifest, err := documents.Own()
	if err != nil || app.Config.Manifest == "" {
		return manifest, err
	}
	text, err := os.ReadFile(app.Config.Manifest)
	if err != nil {
		return nil, fmt.Errorf("read DOCUMENTS_MANIFEST: %w", err)
	}
	more, err := documents.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", app.Config.Manifest, err)
	}
	return manifest.With(more), nil
}

// pinned gives the hashes of documents of the manifest that are named, or given by their hash.
func (app *App) pinned(wanted []string) ([]string, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	manifest, err := app.documents()
	if err != nil {
		return nil, err
	}
	byName := make(map[string]string, len(manifest))
	for hash, text := range manifest {
		name, err := documents.Name(text)
		if err != nil {
			return nil, fmt.Errorf("the manifest's document %.12s…: %w", hash, err)
		}
		byName[name] = hash
	}
	hashes := make([]string, len(wanted))
	for i, w := range wanted {
		hashes[i] = byName[w]
		if _, ok := manifest[w]; ok {
			hashes[i] = w
		}
		if hashes[i] == "" {
			return nil, chat.InvalidField("document", "the manifest has no document of that name or hash: `cloakroom documents list` shows them")
		}
	}
	return hashes, nil
}
