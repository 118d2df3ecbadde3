/**
 * Work that one prediction may take, in products: any graph may be asked, and a hostile one has thousands of
 * convolutions that read its input. A stem of 64 channels takes 0.4 million if 3x3, 22 or 68 million if 7x7
 * of stride 2 or 1.
 */
const MAX_PRODUCTS = 7e7;

export class Budget {
  private left = MAX_PRODUCTS;

  /** Whether there is so much left. What was refused stays there for something smaller. */
  spend(products: number): boolean {
    if (!(products <= this.left)) return false;
    this.left -= products;
    return true;
  }
}
