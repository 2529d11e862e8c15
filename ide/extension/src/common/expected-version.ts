/* What goes with a save, beside Theia's own options: the version of the file that the text stands on. */

export interface ExpectedVersion {
    /** As Theia counts it, of time and size. Undefined or empty: whatever stands there is written over. */
    readonly etag?: string;
}
