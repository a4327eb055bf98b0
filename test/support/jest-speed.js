// Runs before each file, and takes a tenth off it.

// As in production: elsewhere graphql looks, wherever a type is of another kind, whether it comes from a second copy of graphql.
const environment = process.env.NODE_ENV;
process.env.NODE_ENV = 'production';
require('graphql/jsutils/instanceOf');
process.env.NODE_ENV = environment;

// Jest asks for a hundred lines of every stack, and looks each of them up in the sources.
Error.stackTraceLimit = 10;

// TypeGraphQL goes through all extensions for every field of the schema, and asks for their class before their name.
require('reflect-metadata');
const { MetadataStorage } = require('../../node_modules/type-graphql/build/cjs/metadata/metadata-storage');
const { findExtensions } = MetadataStorage.prototype;
MetadataStorage.prototype.findExtensions = function (target, fieldName) {
  if (!fieldName) return findExtensions.call(this, target, fieldName);
  const fieldExtensions = this.fieldExtensions.filter((entry) => entry.fieldName === fieldName);
  return fieldExtensions.length === 0 ? {} : findExtensions.call({ fieldExtensions }, target, fieldName);
};
