import { Browser } from './driver.mjs';
import { stories } from './stories.mjs';

stories('Firefox', Browser.firefox);
