// Runs before each file, and takes a tenth off it.

// As in production: elsewhere graphql looks, wherever a type is of another kind, whether it comes from a second copy of graphql.
const environment = process.env.NODE_ENV;
process.env.NODE_ENV = 'production';
require('graphql/jsutils/instanceOf');
process.env.NODE_ENV = environment;

// Jest asks for a hundred lines of every stack, and looks each of them up in the sources.
Error.stackTraceLimit = 10;
