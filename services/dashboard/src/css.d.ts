/** Style sheets are files beside the scripts; importing one gives nothing. */
declare module '*.css';
