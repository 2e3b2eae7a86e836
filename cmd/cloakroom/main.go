// Command cloakroom is the one program: it serves the dashboard's GraphQL, brings its schema up to date, and is
// what operators type.
// Commands and the environment come in; every package is put together here and only here.
// No secret leaves: configuration is printed with them hidden, and a token is shown once, when it is made.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set when a release is built.
var version = "development"

type commands struct {
	EnvFile string `name:"env-file" type:"existingfile" help:"Read settings from this file of NAME=value lines; the environment wins."`

	Serve   ServeCmd   `cmd:"" help:"Serve GraphQL over HTTP."`
	Demo    DemoCmd    `cmd:"" help:"Migrate, load the demo data if the database is empty, and serve."`
	Migrate MigrateCmd `cmd:"" help:"Bring Cloakroom's own schema up to date, take it away, or show where it is."`
	Seed    SeedCmd    `cmd:"" help:"Load the demo data into an empty database."`
	Token   TokenCmd   `cmd:"" help:"Credentials of back ends."`
	Keys    KeysCmd    `cmd:"" help:"The keys that everything is sealed under."`
	Rotate  RotateCmd  `cmd:"" help:"New keys in place of old ones, while everything runs."`
	Jobs    JobsCmd    `cmd:"" help:"Long work on keys: how it comes along, and what is to become of it."`
	Vault   VaultCmd   `cmd:"" help:"Credentials of third parties, such as OAuth tokens and API keys."`
	Search  SearchCmd  `cmd:"" help:"How sealed values are searched: by keyed tokens, or by opening them."`
	Order   OrderCmd   `cmd:"" help:"In which orders the database may keep contacts."`
	Erase   EraseCmd   `cmd:"" help:"Forget a customer, prove it, and keep it so after a restore."`
	Export  ExportCmd  `cmd:"" help:"Give a customer all that is known of them."`

	Attribute AttributeCmd `cmd:"" help:"What custom attributes are: personal or not, searchable or not."`

	Audit AuditCmd `cmd:"" help:"Who did what: the trail, and the proof that nobody has changed it."`

	Documents DocumentsCmd `cmd:"" help:"The documents that may run where DOCUMENTS is trusted."`

	Config  ConfigCmd  `cmd:"" help:"Show every setting, its default and its reason; secrets are hidden."`
	Version VersionCmd `cmd:"" help:"Show the version."`
}

// VersionCmd is `cloakroom version`.
type VersionCmd struct{}

// Run prints the version.
func (VersionCmd) Run(app *App) error {
	_, err := fmt.Fprintln(app.Stdout, "cloakroom", version)
	return err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	var c commands
	parser, err := kong.New(&c, kong.Name("cloakroom"), kong.UsageOnError(),
		kong.Description("Chatwoot's customers over GraphQL, masked for masked agents, sealed at rest."))
	if err != nil {
		fmt.Fprintln(os.Stderr, "cloakroom:", err)
		return 2
	}
	command, err := parser.Parse(args)
	if err != nil {
		parser.Errorf("%s", err)
		return 2
	}
	app := &App{Context: ctx, Stdout: os.Stdout, Stderr: os.Stderr, EnvFile: c.EnvFile}
	defer app.Close() // of what is open, also when the rest cannot be opened
	if err := app.prepare(command.Command()); err != nil {
		fmt.Fprintln(os.Stderr, "cloakroom:", err)
		return 1
	}
	if err := command.Run(app); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "cloakroom:", err)
		return 1
	}
	return 0
}
