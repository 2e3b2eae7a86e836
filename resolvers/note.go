package resolvers

import "context"

func note(context.Context, *document) {}
