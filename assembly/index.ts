export { add } from './pointwise/add';
