export declare function makeDocuments(root: string): Promise<Readonly<Record<string, string>>>;
