// The desk works without this file; what it adds comes here.
