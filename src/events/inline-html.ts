import sanitizeHtml from 'sanitize-html';

const options: sanitizeHtml.IOptions = {
  allowedTags: ['b', 'i', 'em', 'strong', 'br', 'sup', 'sub'],
  allowedAttributes: {},
};

/**
 * Leaves a few inline tags without attributes, and text. An ampersand stays as it was written: it makes no tag, and most of these
 * texts are shown as plain ones too.
 */
export const inlineHtml = (text: string): string => sanitizeHtml(text, options).replace(/&(?:amp;)+/g, '&');
